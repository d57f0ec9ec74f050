/** The messages about a table that cannot be read, or of which no row arrives: what it is, and what to do. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { describeWhere, freePort } from '../../helpers/server-process';
import { serverMajor } from '../../helpers/postgres';
import { found, sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

describe('a role with few rights', () => {
  let role: { readonly username: string; readonly password: string };
  beforeEach(async () => {
    role = { username: `few_${database.name}`, password: 'few rights' };
    await database.client.query(`CREATE ROLE ${role.username} LOGIN PASSWORD '${role.password}'`);
  });
  afterEach(() => database.client.query(`DROP OWNED BY ${role.username}; DROP ROLE ${role.username}`));

  it('hears how to leave a schema out, beside the GRANT, and both of them help', async () => {
    await database.client.query(
      `CREATE SCHEMA hr; CREATE TABLE hr.pay (id int PRIMARY KEY); CREATE TABLE open (id int PRIMARY KEY); GRANT SELECT ON open TO ${role.username}`,
    );
    const { failures } = await sync(database, role);
    expect(failures).toEqual({
      'hr.pay': `Permission denied: role "${role.username}" may not use schema hr. Leave the schema out with "!hr.*" in "table_filters", or run: GRANT USAGE ON SCHEMA "hr" TO "${role.username}"; GRANT SELECT ON "hr"."pay" TO "${role.username}";`,
    });
    expect((await sync(database, { ...role, tableFilters: ['!hr.*'] })).failures).toEqual({});
    await database.client.query(/run: (.*)$/.exec(failures['hr.pay'] ?? '')?.[1] ?? '');
    expect((await sync(database, role)).failures).toEqual({});
  });

  it('hears which columns it may read, and how to do with these', async () => {
    await database.client.query(
      `CREATE TABLE people (id int PRIMARY KEY, name text, salary numeric); GRANT SELECT (id, name) ON people TO ${role.username}`,
    );
    const { failures } = await sync(database, role);
    expect(failures['public.people']).toMatch(
      /may read only some columns of public\.people: id, name\. Set "columns_denied" to "skip" .*GRANT SELECT ON "public"\."people"/,
    );
    const { failures: none, report } = await sync(database, { ...role, columnsDenied: 'skip' });
    expect([none, report.tables.map(({ key }) => key)]).toEqual([{}, ['public.people']]);
  });

  it('hears of the partition that makes a table slow to read, and of the GRANT that helps', async () => {
    await database.client.query(`
      CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
      CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
      INSERT INTO parts SELECT generate_series(0, 199);
      GRANT SELECT ON parts, parts_1 TO ${role.username}`);
    const said = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.includes('by itself'));
    const { failures, lines, report } = await sync(database, role);
    expect([failures, report.rows]).toEqual([{}, 200]);
    expect(said(lines)).toEqual([
      `WARNING The role may not read public.parts_2 by itself, so public.parts is read whole at each sync, with a cursor; for ranges and changes alone run: GRANT SELECT ON "public"."parts_2" TO "${role.username}";`,
    ]);
    expect(await found(database, role, 'tables')).toContainEqual(
      expect.objectContaining({ status: 'warning', message: expect.stringContaining('public.parts_2') as string }),
    );
    await database.client.query(`GRANT SELECT ON parts_2 TO ${role.username}`);
    expect(said((await sync(database, role)).lines)).toEqual([]);
  });
});

it('a materialized view that was never filled is named before it is read, and by check', async () => {
  await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY);
    CREATE MATERIALIZED VIEW later AS SELECT * FROM t WITH NO DATA`);
  const sentence = 'The materialized view public.later was never filled.';
  expect((await sync(database)).failures).toEqual({
    'public.later': `${sentence} Have its owner run REFRESH MATERIALIZED VIEW "public"."later", or leave it out with "!public.later" in "table_filters".`,
  });
  expect(await found(database, {}, 'table public.later')).toMatchObject([{ status: 'failure', message: sentence }]);
  await database.client.query('REFRESH MATERIALIZED VIEW later');
  expect((await sync(database)).failures).toEqual({});
});

it('check names files that a sync could not write', async () => {
  const file = join(database.folder, 'file');
  writeFileSync(file, '');
  mkdirSync(join(database.folder, 'folder'));
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY)');
  const below = join(file, 'state.json');
  expect(await found(database, { statePath: below }, 'state')).toMatchObject([
    { status: 'failure', message: `${file} is a file, where a folder is needed for ${below}.` },
  ]);
  for (const [item, option] of [
    ['state', 'statePath'],
    ['warehouse', 'warehousePath'],
    ['report', 'reportPath'],
  ] as const)
    expect(await found(database, { [option]: join(database.folder, 'folder') }, item)).toMatchObject([
      { status: 'failure', message: expect.stringContaining('is a folder, not a file') as string },
    ]);
  expect(await found(database, {}, 'state')).toMatchObject([{ status: 'ok' }]);
});

it('a foreign server that is down is the trouble of its table, not of ours', async () => {
  await database.client.query(`
    CREATE EXTENSION postgres_fdw; CREATE TABLE near (id int PRIMARY KEY);
    CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${await freePort()}', dbname 'x');
    CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'u', password 'p');
    CREATE FOREIGN TABLE remote (id int) SERVER far`);
  const { report, failures } = await sync(database, { maxRetries: 2 });
  expect(report.tables.map(({ key, error }) => [key, error?.kind, error?.code])).toEqual(
    expect.arrayContaining([
      ['public.near', undefined, undefined],
      ['public.remote', 'source', 'foreign_server_unreachable'],
    ]),
  );
  expect(failures['public.remote']).toMatch(/could not connect to server "far".*leave the table out/);
  expect(failures['public.remote']).not.toContain('Check "host"');
});

it('a region that no order has: how many rows were left out', async () => {
  await database.client.query(`
    CREATE TABLE orders (id int PRIMARY KEY, region text);
    INSERT INTO orders SELECT g, CASE WHEN g % 2 = 0 THEN 'weg45' END FROM generate_series(1, 700) g;
    CREATE TABLE empty (id int PRIMARY KEY)`);
  const said = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.includes('leaves out'));
  const settings = { region: 'Mars', customThreads: 1 };
  expect(said((await sync(database, settings)).lines)).toEqual([
    'WARNING No row of public.orders meets the condition of its rule, which leaves out all 700; check "region" and "transformations".',
  ]);
  expect(said((await sync(database, { ...settings, region: 'Europe' })).lines)).toEqual([]);
});

describe('a column that cannot be computed is named', () => {
  it('of a view, but not where the view fails as a whole', async () => {
    await database.client.query(`
      CREATE TABLE base (id int PRIMARY KEY, a int); INSERT INTO base SELECT g, g % 50 FROM generate_series(1, 100) g;
      CREATE VIEW ratios AS SELECT id, a, 100 / a AS ratio FROM base;
      CREATE VIEW broken AS SELECT id, a FROM base WHERE 100 / a > 2`);
    const { failures } = await sync(database, { includeViews: true });
    expect(failures['public.ratios']).toMatch(
      /^Column "ratio" of public\.ratios cannot be computed: division by zero .*22012.*Correct its expression/,
    );
    expect(failures['public.broken']).toMatch(/^division by zero/);
  });

  describeWhere(serverMajor() >= 18 ? undefined : 'PostgreSQL 18, which has virtual columns', 'that is virtual', () => {
    it.each([100, 30_000])('in a table of %d rows', async (rows) => {
      await database.client.query(`
        CREATE TABLE t (id int PRIMARY KEY, a int, fine int GENERATED ALWAYS AS (a + 1) VIRTUAL, ratio int GENERATED ALWAYS AS (100 / a) VIRTUAL);
        INSERT INTO t SELECT g, g - 90 FROM generate_series(1, ${rows}) g; ANALYZE t`);
      const { failures } = await sync(database, { customThreads: 1 });
      expect(failures['public.t']).toMatch(/^Column "ratio" of public\.t cannot be computed: division by zero/);
    });
  });
});
