import { keywords } from '../../../../src/postgres/connection/data-source';
import { passwordsIn } from '../../../../src/postgres/connection/data-source-secrets';

it.each<[what: string, lines: string[], passwords: string[]]>([
  ['no password', ['Servername = db', "pqopt = application_name='a b'"], []],
  ['its own', ['Password = s3cret'], ['s3cret']],
  ['its own by the short name', ['PWD = s3cret'], ['s3cret']],
  ['one of libpq', ['pqopt = user=me password=s3cret'], ['s3cret']],
  ['one in braces', ['pqopt = {password=s3cret}'], ['s3cret']],
  [
    'one in quotes',
    [String.raw`pqopt = password = 'it\'s a \\ s3cret' connect_timeout=3`],
    [String.raw`it's a \ s3cret`],
  ],
  ['one with backslashes', [String.raw`pqopt = password=a\ b`], ['a b']],
  ["that of the role's key", ['pqopt = sslkey=/k sslpassword=k3y'], ['k3y']],
  ['all of them', ['Password = one1', 'pqopt = password=two2'], ['one1', 'two2']],
  ["the role's name, which stands in many lines", ['Username = shop', 'Password = shop'], []],
])('passwords of a data source: %s', (_what, lines, passwords) => {
  expect(passwordsIn(keywords(lines))).toEqual(passwords);
});
