/** Data sources of odbc.ini: what they say counts, and what would harm is overridden; wrong options end at once. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { openWarehouse } from '../../helpers/compare';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

const ROWS = 20_000;
const tenant = `tenant_${randomBytes(4).toString('hex')}`;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE ROLE ${tenant};
    CREATE TABLE sales (id int PRIMARY KEY, tenant text NOT NULL, note text);
    INSERT INTO sales SELECT i, CASE WHEN i % 2 = 0 THEN '${tenant}' ELSE 'another' END, repeat('x', i % 90) FROM generate_series(1, ${ROWS}) i;
    CREATE VIEW listed AS SELECT id, note FROM sales;
    ALTER VIEW listed OWNER TO ${tenant};
    ALTER TABLE sales ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON sales USING (tenant = current_user);
    GRANT SELECT ON sales TO ${tenant};
    ANALYZE`);
});
afterAll(async () => {
  await database.client.query(`DROP OWNED BY ${tenant}; DROP ROLE ${tenant}`);
  await database.drop();
});

async function withSource(
  command: string,
  lines: readonly string[],
  configured: Readonly<Record<string, string | undefined>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const ini = join(database.folder, 'odbc.ini');
  const server = [`Servername = ${database.host}`, `Port = ${database.port}`, `Database = ${database.name}`];
  writeFileSync(ini, `[shop]\nDriver = PostgreSQL Unicode\n${[...server, ...lines].join('\n')}\n`);
  const configuration = join(database.folder, 'source.json');
  const values = { dsn: 'shop', password: database.password, warehouse_path: 'shop.db', state_path: 'shop.json' };
  writeFileSync(
    configuration,
    JSON.stringify({ ...values, max_retries: '2', retry_sleep_seconds: '0', ...configured }),
  );
  const result = await runCli([command, '--configuration', configuration], { env: { ODBCINI: ini, ...environment } });
  expectPresentable(result, [database.password]);
  return result;
}

it("a data source's role, application name and keepalives are in force; a user, ReadOnly and UseDeclareFetch are overridden", async () => {
  const lines = [
    'Username = nobody_here',
    'KeepaliveTime = 20',
    'KeepaliveInterval = 5',
    'ReadOnly = 1',
    'UseDeclareFetch = 1',
    `pqopt = options='-c role=${tenant} -c log_statement=none' application_name = it\\'s\\ shop`,
  ];
  const configured = { username: database.user, include_views: 'true', custom_batch_size: '2000' };
  const result = await withSource('sync', lines, configured);
  expect(complaints(result)).toEqual([]);
  expect(result.code).toBe(0);
  const warehouse = await openWarehouse(join(database.folder, 'shop.db'));
  for (const table of ['sales', 'listed'])
    expect(
      await warehouse.rows(`SELECT count(*)::INT, min(id % 2), max(id % 2) FROM tester.source_public_${table}`),
    ).toEqual([[ROWS / 2, 0, 0]]);
  warehouse.close();
  expect((await withSource('verify', lines, configured)).code).toBe(0);
});

it("what is configured comes before what the data source's pqopt says, what is our habit after it", async () => {
  const lines = [
    `Username = ${database.user}`,
    `pqopt = dbname=nothing_here application_name='their own' keepalives_idle=7 options='-c work_mem=5MB'`,
  ];
  await database.client.query(
    `CREATE VIEW session AS SELECT current_setting('application_name') AS app, current_setting('work_mem') AS memory`,
  );
  try {
    const configured = { database: database.name, table_filters: 'public.session', include_views: 'true' };
    const result = await withSource('sync', lines, configured);
    expect(complaints(result)).toEqual([]);
    const warehouse = await openWarehouse(join(database.folder, 'shop.db'));
    expect(await warehouse.rows('SELECT app, memory FROM tester.source_public_session')).toEqual([
      ['their own', '5MB'],
    ]);
    warehouse.close();
  } finally {
    await database.client.query('DROP VIEW session');
  }
});

it.each<[what: string, line: string, environment: Record<string, string>, said: RegExp]>([
  ['an unknown option', 'pqopt = sslrootcerts=/x', {}, /invalid connection option "sslrootcerts"/],
  ['an option without a value', 'pqopt = garbage', {}, /missing "=" after "garbage"/],
  ['a wrong value', 'pqopt = target_session_attrs=wrong', {}, /invalid target_session_attrs value: "wrong"/],
  ['a keyword beside the same option', 'pqopt = user=x', {}, /user parameter in pqopt option conflicts/],
  ['an unknown setting of the server', "pqopt = options='-c nonsense=1'", {}, /configuration parameter "nonsense"/],
  ['an unknown service', '', { PGSERVICE: 'nowhere' }, /definition of service "nowhere" not found/],
  ['a server of the wrong kind', '', { PGTARGETSESSIONATTRS: 'standby' }, /server is not in hot standby mode/],
  ['a wrong channel binding', '', { PGCHANNELBINDING: 'wrong' }, /invalid channel_binding value: "wrong"/],
  ['channel binding without TLS', '', { PGCHANNELBINDING: 'require' }, /channel binding required/],
  ['a URI', 'pqopt = postgresql://localhost/x', {}, /pqopt of the data source in "dsn" is a URI/],
])('%s: exit 2 at once, in the words of libpq', async (_what, line, environment, said) => {
  const result = await withSource('sync', [`Username = ${database.user}`, line], {}, environment);
  expect(complaints(result)).toEqual([expect.stringMatching(said)]);
  expect(result.code).toBe(2);
  expect(result.stdout).not.toContain('Schema discovery failed, attempt');
});

it('a wrong option of the environment ends a sync without a data source, too', async () => {
  const configuration = writeConfiguration(database, { max_retries: '3' });
  const result = await runCli(['sync', '--configuration', configuration], { env: { PGSERVICE: 'nowhere' } });
  expect(complaints(result)).toEqual([
    expect.stringMatching(/definition of service "nowhere" not found .*Correct it in/),
  ]);
  expect(result.code).toBe(2);
});

describe('a password that only the data source holds', () => {
  const role = `known_${randomBytes(4).toString('hex')}`;
  const password = 'h1dden_w0rd';
  beforeAll(async () => {
    // A name that would show it.
    await database.client.query(`
      CREATE ROLE ${role} LOGIN PASSWORD '${password}';
      CREATE TABLE "of ${password}" (id int PRIMARY KEY);
      GRANT SELECT ON "of ${password}" TO ${role}`);
  });
  afterAll(async () => {
    await database.client.query(`DROP TABLE "of ${password}"; DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it.each([
    ["among libpq's options", `pqopt = password='${password}'`],
    ['in its own keyword', `Password = ${password}`],
  ])('%s, logs in and is in no line', async (_what, line) => {
    const configured = { password: undefined, table_filters: 'public.of *' };
    const result = await withSource('sync', [`Username = ${role}`, line], configured);
    expect(result.stdout + result.stderr).not.toContain(password);
    expect(result.stdout).toContain('public.of ***');
    expect(result.code).toBe(0);
  });
});
