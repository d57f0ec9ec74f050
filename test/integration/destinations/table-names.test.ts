/** Names of the warehouse's tables by `destination_table`: tables that collide, and templates that change. */
import { DuckDBInstance } from '@duckdb/node-api';
import { join } from 'node:path';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { planInDetail } from '../../../src/app/plan/plan-details';
import { readStatus } from '../../../src/app/status';
import { runVerify } from '../../../src/app/verify-run';
import { planToForget } from '../../../src/app/forget';
import { settingsFor } from '../../helpers/settings';
import { found, sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE SCHEMA a; CREATE TABLE a.b_c (id int PRIMARY KEY, v text); INSERT INTO a.b_c VALUES (1, 'of a');
    CREATE SCHEMA a_b; CREATE TABLE a_b.c (id int PRIMARY KEY, v text); INSERT INTO a_b.c VALUES (1, 'of a_b'), (2, 'too');
    CREATE TABLE public.plain (n int); INSERT INTO public.plain VALUES (7), (7)`);
  await allOlderEnded(database.client);
});
afterEach(() => database.drop());

const DISTINCT = 'source_{schema}__{table}';

async function tables(): Promise<string[]> {
  return await withWarehouse(database, async (warehouse) =>
    (
      await warehouse.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'tester' AND table_name NOT LIKE 'postgres%' ORDER BY 1",
      )
    ).map(([name]) => String(name)),
  );
}

withRanges(test)(
  'a collision names both tables, and the template that tells them apart; with it, both arrive',
  async () => {
    const { failures } = await sync(database);
    expect(failures).toEqual({
      'a_b.c':
        'a_b.c would be called source_a_b_c in the warehouse, which is the name of a.b_c. ' +
        'Set "destination_table" to a template that tells them apart, such as "source_{schema}__{table}", or leave one of them out with "table_filters" and sync it into another "destination_schema". ' +
        'Where the owner of the name is gone from the source, `pgsluice forget --drop` frees its name.',
    });
    expect(await found(database, {}, 'table a_b.c')).toContainEqual(expect.objectContaining({ status: 'failure' }));
    const { failures: none, lines, report } = await sync(database, { destinationTable: DISTINCT, syncMode: 'auto' });
    expect(none).toEqual({});
    expect(lines).toContain('INFO Renamed source_a_b_c to source_a__b_c in the warehouse: the table of a.b_c');
    // What was renamed was not read again.
    expect(report.tables.filter(({ rows }) => rows > 0).map(({ key }) => key)).toEqual(['a_b.c']);
    expect(await tables()).toEqual(['source_a__b_c', 'source_a_b__c', 'source_public__plain']);
    const verified = await runVerify(settingsFor(database, { destinationTable: DISTINCT }), {
      logger: silent,
      signal: new AbortController().signal,
      show: 0,
      sample: 1,
    });
    expect(verified.tables.map(({ key, outcome }) => [key, outcome]).sort()).toEqual([
      ['a.b_c', 'equal'],
      ['a_b.c', 'equal'],
      ['public.plain', 'equal'],
    ]);
  },
);

withRanges(test)(
  'another template renames what is there: nothing is lost, nothing is there twice, changes go on',
  async () => {
    await sync(database, { destinationTable: DISTINCT });
    await database.client.query(`DELETE FROM a_b.c WHERE id = 2; UPDATE a.b_c SET v = 'changed'`);
    const settings = { destinationTable: '{table}', syncMode: 'auto' as const };
    const plan = await planInDetail(settingsFor(database, settings), silent, new AbortController().signal);
    expect(plan.tables.map(({ destinationTable, pass }) => [destinationTable, pass])).toEqual(
      expect.arrayContaining([
        ['b_c', 'changes'],
        ['c', 'changes'],
      ]),
    );
    expect((await sync(database, settings)).failures).toEqual({});
    expect(await tables()).toEqual(['b_c', 'c', 'plain']);
    await withWarehouse(database, async (warehouse) => {
      expect(await warehouse.rows('SELECT id, v, _fivetran_deleted FROM tester.c ORDER BY 1')).toEqual([
        [1, 'of a_b', false],
        // A row of before the renaming, kept and marked.
        [2, 'too', true],
      ]);
      expect(await warehouse.rows('SELECT v FROM tester.b_c')).toEqual([['changed']]);
    });
    const status = await readStatus(settingsFor(database, settings));
    expect(status.tables.map(({ destinationTable }) => destinationTable).sort()).toEqual(['b_c', 'c', 'plain']);
    const { tables: forgotten, forget } = await planToForget(settingsFor(database, settings), ['a_b.c']);
    expect(forgotten).toEqual([{ key: 'a_b.c', destinationTable: 'c' }]);
    await forget(true);
    expect(await tables()).toEqual(['b_c', 'plain']);
  },
);

test('back to the names of before, and on to those of Fivetran', async () => {
  await sync(database, { tableFilters: ['public.*'] });
  for (const [settings, name] of [
    [{ destinationTable: 'X_{table}' }, 'X_plain'],
    [{ destinationTable: 'X_{table}', naming: 'fivetran' }, 'x_plain'],
    [{}, 'source_public_plain'],
  ] as const) {
    expect((await sync(database, { ...settings, tableFilters: ['public.*'] })).failures).toEqual({});
    expect((await tables()).map((each) => each.toLowerCase())).toEqual([name.toLowerCase()]);
    await withWarehouse(database, async (warehouse) => {
      expect(await warehouse.rows(`SELECT count(*)::int FROM tester."${name}" WHERE NOT _fivetran_deleted`)).toEqual([
        [2],
      ]);
    });
  }
});

test('a name that is taken, and an index that somebody made, stop that table alone, and lose nothing', async () => {
  await sync(database, { tableFilters: ['a.*', 'public.*'] });
  const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
  const connection = await instance.connect();
  await connection.run('CREATE VIEW tester.plain AS SELECT 1 AS mine');
  await connection.run('CREATE INDEX mine ON tester.source_a_b_c (id)');
  connection.closeSync();
  instance.closeSync();
  const { failures, report } = await sync(database, { destinationTable: '{table}' });
  expect(failures).toEqual({
    'public.plain':
      'public.plain would be called plain in the warehouse, where something else has that name. ' +
      'Drop or rename tester.plain in the warehouse, or set "destination_table" so that the name is another one.',
    'a.b_c':
      'tester.source_a_b_c has an index or a primary key that somebody made, so it cannot become b_c. ' +
      'Drop these in the warehouse and make them again after the next sync, or set "destination_table" back.',
  });
  expect(report.tables.find(({ key }) => key === 'a_b.c')?.error).toBeUndefined();
  expect((await sync(database, { tableFilters: ['a.*', 'public.*'] })).failures).toEqual({});
  await withWarehouse(database, async (warehouse) => {
    expect(await compareTable(database.client, warehouse, { schema: 'a', name: 'b_c' })).toEqual(same(1));
  });
});

withRanges(test)('a load that was cut goes on under its new name', async () => {
  await database.client.query(`
    CREATE TABLE public.long (id int PRIMARY KEY, v text);
    INSERT INTO public.long SELECT i, repeat('x', 100) FROM generate_series(1, 30000) i;
    ANALYZE public.long; UPDATE pg_class SET reltuples = 60000000 WHERE relname = 'long'`);
  const settings = { tableFilters: ['public.long'], customBatchSize: 1000, customThreads: 1 };
  const stop = new AbortController();
  await sync(database, settings, {
    signal: stop.signal,
    beforeWrite: (batch) => Promise.resolve(batch === 15 ? stop.abort() : undefined),
  }).catch(() => undefined);
  const { failures, lines } = await sync(database, { ...settings, destinationTable: 'all_{table}' });
  expect(failures).toEqual({});
  expect(lines).toContainEqual(
    expect.stringMatching(/^INFO Going on with the load of public\.long .*: \d+ of about \d+ rows/),
  );
  expect(await tables()).toEqual(['all_long']);
  await withWarehouse(database, async (warehouse) => {
    expect(await warehouse.rows('SELECT count(*)::int, count(DISTINCT id)::int FROM tester.all_long')).toEqual([
      [30000, 30000],
    ]);
  });
});

test('names of the connector itself are taken, for new tables and for those that are there', async () => {
  await database.client.query('CREATE TABLE postgres_table (id int); CREATE TABLE "_pgsluice_load_plain" (id int)');
  const own = [
    ['public._pgsluice_load_plain', expect.stringContaining('which is the name of a table of the connector itself')],
    ['public.postgres_table', expect.stringContaining('which is the name of a table of the connector itself')],
  ];
  const fresh = { destinationTable: '{table}', warehousePath: join(database.folder, 'own.db') };
  expect(Object.entries((await sync(database, fresh)).failures).sort()).toEqual(own);
  await sync(database);
  expect(Object.entries((await sync(database, { destinationTable: '{table}' })).failures).sort()).toEqual(own);
  expect(await tables()).toEqual(expect.arrayContaining(['source_public_postgres_table', 'plain']));
});

const silent = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };
