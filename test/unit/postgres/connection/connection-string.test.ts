import { buildConnectionString, type ConnectionTarget } from '../../../../src/postgres/connection/connection-string';

const target: ConnectionTarget = {
  dsn: undefined,
  host: 'db.example',
  port: 5432,
  database: 'shop',
  username: 'reader',
  password: 'p}w;d',
  sslmode: 'verify-full',
  sslrootcert: '/etc/ca file.pem',
  sslcert: undefined,
  sslkey: undefined,
  connectTimeoutSeconds: 15,
};

test('names go through pqopt in libpq quoting, the password in braces', () => {
  const text = buildConnectionString('PostgreSQL Unicode', { ...target, username: `o'brien\\` });
  expect(text).toContain('DRIVER={PostgreSQL Unicode};');
  expect(text).toContain('PWD={p}}w;d};');
  expect(text).toContain('SSLmode=verify-full;');
  expect(text).toContain(`user='o\\'brien\\\\'`);
  expect(text).toContain(`sslrootcert='/etc/ca file.pem'`);
});

test('a data source keeps its own server and database unless others are given', () => {
  const text = buildConnectionString(undefined, {
    ...target,
    dsn: 'warehouse',
    host: undefined,
    port: undefined,
    database: undefined,
  });
  expect(text).toMatch(/^DSN=warehouse;/);
  expect(text).not.toMatch(/host=|dbname=|DRIVER/);
});
