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
  expect(secretFor('az://c/x', { ...AWS, AZURE_STORAGE_ACCOUNT: 'lakes' })).toEqual([
    ['TYPE', 'azure'],
    ['ACCOUNT_NAME', 'lakes'],
  ]);
  expect(
    secretFor('az://c/x', { AZURE_STORAGE_ACCOUNT: 'lakes', AZURE_STORAGE_CONNECTION_STRING: 'AccountName=lakes' }),
  ).toEqual([
    ['TYPE', 'azure'],
    ['CONNECTION_STRING', 'AccountName=lakes'],
  ]);
  expect(secretFor('s3://b/x', {})).toBeUndefined();
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
