import { secretFor } from '../../../../src/destinations/ducklake/object-store';

const AWS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_ENDPOINT_URL: 'https://store.example.com' };

it('gives each store the variables of its own programs', () => {
  expect(secretFor('s3://b/x', { ...AWS, AWS_REGION: 'eu-west-1' })).toEqual([
    ['TYPE', 's3'],
    ['KEY_ID', 'id'],
    ['SECRET', 'key'],
    ['REGION', 'eu-west-1'],
    ['ENDPOINT', 'store.example.com'],
    ['USE_SSL', 'true'],
    ['URL_STYLE', 'path'],
  ]);
  expect(secretFor('s3://b/x', {})).toBeUndefined();
});

describe('az://', () => {
  const account = { ...AWS, AZURE_STORAGE_ACCOUNT: 'lakes' };

  it('with the name of an account alone, is written as whoever Azure finds us to be, not as a stranger', () => {
    for (const more of [{}, { AZURE_STORAGE_KEY: '', AZURE_STORAGE_CONNECTION_STRING: '' }])
      expect(secretFor('az://c/x', { ...account, ...more })).toEqual([
        ['TYPE', 'azure'],
        ['PROVIDER', 'credential_chain'],
        ['ACCOUNT_NAME', 'lakes'],
      ]);
  });

  it('with the key of the account, needs nobody else', () => {
    expect(secretFor('abfss://c/x', { ...account, AZURE_STORAGE_KEY: 'a2V5Cg==' })).toEqual([
      ['TYPE', 'azure'],
      [
        'CONNECTION_STRING',
        'DefaultEndpointsProtocol=https;AccountName=lakes;AccountKey=a2V5Cg==;EndpointSuffix=core.windows.net',
      ],
    ]);
  });

  it('takes a connection string before both', () => {
    const whole = { AZURE_STORAGE_KEY: 'a2V5Cg==', AZURE_STORAGE_CONNECTION_STRING: 'AccountName=others' };
    expect(secretFor('az://c/x', { ...account, ...whole })).toEqual([
      ['TYPE', 'azure'],
      ['CONNECTION_STRING', 'AccountName=others'],
    ]);
    expect(secretFor('az://c/x', AWS)).toBeUndefined();
    expect(secretFor('az://c/x', { AZURE_STORAGE_KEY: 'a2V5Cg==' })).toBeUndefined();
  });
});

it.each([
  ['localhost:4443', 'localhost:4443', 'false'],
  ['http://localhost:4443', 'localhost:4443', 'false'],
  ['https://store.example.com/', 'store.example.com', 'true'],
])("sends gs:// to %s where STORAGE_EMULATOR_HOST says so, and never to the address of S3's", (host, endpoint, ssl) => {
  const keys = [
    ['TYPE', 'gcs'],
    ['KEY_ID', 'id'],
    ['SECRET', 'key'],
  ];
  expect(secretFor('gs://b/x', AWS)).toEqual(keys);
  expect(secretFor('gs://b/x', { ...AWS, STORAGE_EMULATOR_HOST: '' })).toEqual(keys);
  expect(secretFor('gs://b/x', { ...AWS, STORAGE_EMULATOR_HOST: host })).toEqual([
    ...keys,
    ['ENDPOINT', endpoint],
    ['USE_SSL', ssl],
    ['URL_STYLE', 'path'],
  ]);
});
