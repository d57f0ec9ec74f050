/** Ways to connect: encrypted and checked, and by a data source of odbc.ini. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { AUTHORITY, OTHER_AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY } from '../../helpers/certificates';
import { compareTable, openWarehouse, same } from '../../helpers/compare';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import {
  createDatabase,
  startServer,
  withClient,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  server = await startServer();
  database = await createDatabase({ server });
  const { client } = database;
  await client.query('CREATE TABLE things (id int PRIMARY KEY); INSERT INTO things SELECT generate_series(1, 10)');
  // Written by the server itself, since it insists on owning its key.
  for (const [name, text] of [
    ['server.key', SERVER_KEY],
    ['server.crt', SERVER_CERTIFICATE],
  ] as const) {
    const lines = client.escapeLiteral(text.trim());
    await client.query(
      `COPY (SELECT unnest(string_to_array(${lines}, E'\\n'))) TO PROGRAM 'umask 077; cat > ${name}' WITH (FORMAT text)`,
    );
  }
  await withClient(server, 'postgres', async (admin) => {
    await admin.query('ALTER SYSTEM SET ssl = on');
    await admin.query('SELECT pg_reload_conf()');
  });
  for (const [name, text] of [
    ['root.crt', AUTHORITY],
    ['other.crt', OTHER_AUTHORITY],
  ] as const)
    writeFileSync(join(database.folder, name), text);
});
afterAll(async () => {
  await database.drop();
  await server.close();
});

async function sync(overrides: Readonly<Record<string, string>>): Promise<CliResult> {
  const configuration = writeConfiguration(database, { host: 'localhost', max_retries: '1', ...overrides });
  const result = await runCli(['sync', '--configuration', configuration]);
  expectPresentable(result, [database.password]);
  return result;
}

/** As the server sees it. */
async function protocolSeen(overrides: Readonly<Record<string, string>>): Promise<string> {
  const configuration = writeConfiguration(database, { host: 'localhost', ...overrides });
  const result = await runCli(['check', '--configuration', configuration]);
  return /TLSv[\d.]+|Not encrypted/.exec(result.stdout)?.[0] ?? result.stdout;
}

it.each([
  ['require', {}],
  ['verify-ca', { sslrootcert: 'root.crt' }],
  ['verify-full', { sslrootcert: 'root.crt' }],
] as const)('sslmode %s: encrypted', async (sslmode, more) => {
  const result = await sync({ sslmode, ...more });
  expect(complaints(result)).toEqual([]);
  expect(result.code).toBe(0);
  expect(await protocolSeen({ sslmode, ...more })).toMatch(/^TLSv1\.\d$/);
});

it('sslmode disable: not encrypted, and check says so', async () => {
  expect((await sync({ sslmode: 'disable' })).code).toBe(0);
  expect(await protocolSeen({ sslmode: 'disable' })).toBe('Not encrypted');
});

it.each<[what: string, overrides: Record<string, string>, said: RegExp]>([
  [
    'whose certificate another authority signed',
    { sslmode: 'verify-full', sslrootcert: 'other.crt' },
    /certificate verify failed.*Check "sslmode" and "sslrootcert"/,
  ],
  [
    'whose certificate is for another name',
    { sslmode: 'verify-full', sslrootcert: 'root.crt', host: '127.0.0.1' },
    /does not match host name.*Check "sslmode" and "sslrootcert"/,
  ],
])('a server %s: exit 3 at once, without another attempt', async (_what, overrides, said) => {
  const result = await sync({ ...overrides, max_retries: '3' });
  expect(result.code).toBe(3);
  expect(complaints(result)).toEqual([expect.stringMatching(said)]);
  expect(result.stdout).not.toContain('Schema discovery failed, attempt');
});

describe('a role that must show a certificate', () => {
  const role = 'certain';
  beforeAll(async () => {
    const { client } = database;
    const authority = client.escapeLiteral(AUTHORITY.trim());
    await client.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'x1y2z3'; GRANT SELECT ON things TO ${role};
       COPY (SELECT unnest(string_to_array(${authority}, E'\\n'))) TO PROGRAM 'cat > root.crt' WITH (FORMAT text);
       COPY (SELECT 'hostssl all ${role} all scram-sha-256 clientcert=verify-ca')
         TO PROGRAM 'cat - pg_hba.conf > hba.new && cat hba.new > pg_hba.conf'`,
    );
    await withClient(server, 'postgres', async (admin) => {
      await admin.query(`ALTER SYSTEM SET ssl_ca_file = 'root.crt'`);
      await admin.query('SELECT pg_reload_conf()');
    });
    writeFileSync(join(database.folder, 'client.crt'), SERVER_CERTIFICATE);
    writeFileSync(join(database.folder, 'client.key'), SERVER_KEY, { mode: 0o600 });
    writeFileSync(join(database.folder, 'no.key'), SERVER_CERTIFICATE, { mode: 0o600 });
    writeFileSync(join(database.folder, 'open.key'), SERVER_KEY, { mode: 0o644 });
  });
  const login = { sslmode: 'verify-full', sslrootcert: 'root.crt', username: role, password: 'x1y2z3' };

  it('logs in with sslcert and sslkey', async () => {
    const result = await sync({ ...login, sslcert: 'client.crt', sslkey: 'client.key' });
    expect(complaints(result)).toEqual([]);
    expect(result.code).toBe(0);
  });

  it('does not without them, and is told why', async () => {
    const result = await sync(login);
    expect(complaints(result)).toEqual([expect.stringMatching(/requires a valid client certificate.*"sslcert"/)]);
    expect(result.code).toBe(3);
  });

  it.each<[what: string, key: string, said: RegExp]>([
    ['that others may read', 'open.key', /private key file .* has group or world access/],
    ['that is none', 'no.key', /could not load private key file/],
  ])('a key %s: exit 2 at once', async (_what, sslkey, said) => {
    const result = await sync({ ...login, sslcert: 'client.crt', sslkey, max_retries: '3' });
    expect(complaints(result)).toEqual([expect.stringMatching(said)]);
    expect(result.code).toBe(2);
  });
});

it('a data source of odbc.ini in place of host, port and database', async () => {
  const ini = join(database.folder, 'odbc.ini');
  // With a setting that would turn line feeds into two characters each.
  writeFileSync(
    ini,
    `[shop]\nDriver = PostgreSQL Unicode\nServername = ${database.host}\nPort = ${database.port}\nDatabase = ${database.name}\nLFConversion = 1\n`,
  );
  await database.client.query(
    `CREATE TABLE lines (id int PRIMARY KEY, t text); INSERT INTO lines VALUES (1, E'é\\nx'), (2, E'a\\nb\\n')`,
  );
  const configuration = join(database.folder, 'dsn-configuration.json');
  writeFileSync(
    configuration,
    JSON.stringify({ dsn: 'shop', username: database.user, password: database.password, warehouse_path: 'dsn.db' }),
  );
  const result = await runCli(['sync', '--configuration', configuration], { env: { ODBCINI: ini } });
  expectPresentable(result, [database.password]);
  expect(result.stdout).toMatch(/Successfully processed table public\.things: 10 records/);
  expect(result.code).toBe(0);
  const warehouse = await openWarehouse(join(database.folder, 'dsn.db'));
  expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'lines' })).toEqual(same(2));
  warehouse.close();
  await database.client.query('DROP TABLE lines');
  const unknown = await runCli(['sync', '--configuration', configuration], {
    env: { ODBCINI: ini, PGSLUICE_DSN: 'shoop' },
  });
  expect(unknown.code).toBe(3);
  expect(complaints(unknown)).toEqual([expect.stringMatching(/Check "dsn" against odbc\.ini/)]);
});
