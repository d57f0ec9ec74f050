import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync, type SyncOutcome } from '../sync';

const NAMES: readonly string[] = [
  'MixedCase',
  'mixedcase2',
  'select',
  'user',
  'with space',
  ' leading and trailing ',
  'dotted.name',
  'three.dotted.names',
  'double"quote',
  '"quoted"',
  "single'quote",
  'semi;colon',
  'back\\slash',
  '{braces}',
  '%s ? $1 :x @y #z',
  '--comment',
  '/* comment */',
  'größe',
  '名前',
  '😀',
  // DuckDB folds A to Z only, and composes nothing.
  'grÖße',
  'gro\u0308ße',
  '\u212a',
  'tab\tand\nnewline',
  '1st',
  '*',
  '!excluded',
  ',',
  'x'.repeat(63),
  'é'.repeat(31),
];

describe.each([
  ['a table in one statement', undefined],
  ['batches of 2 rows, whose statements are prepared', 2],
])('names of every kind, %s', (_how, customBatchSize) => {
  let database: TestDatabase;
  let outcome: SyncOutcome;
  beforeAll(async () => {
    database = await createDatabase();
    const { client } = database;
    const quote = (name: string): string => client.escapeIdentifier(name);
    for (const name of NAMES) {
      await client.query(`CREATE SCHEMA ${quote(name)}`);
      await client.query(
        `CREATE TABLE public.${quote(name)} (${quote(name)} text PRIMARY KEY, id int, "Other one" int)`,
      );
      await client.query(`INSERT INTO public.${quote(name)} SELECT 'v' || i, i, -i FROM generate_series(1, 20) i`);
      await client.query(`CREATE TABLE ${quote(name)}.${quote(name)} (${quote(name)} int, "a.b" int)`);
      await client.query(`INSERT INTO ${quote(name)}.${quote(name)} SELECT i, i FROM generate_series(1, 5) i`);
    }
    await client.query(`
      CREATE TABLE cases ("id" int PRIMARY KEY, "ID" text, "Id" text, "id_2" text);
      INSERT INTO cases VALUES (1, 'upper', 'mixed', 'taken'), (2, NULL, '', 'x');
      CREATE TABLE added (sync_timestamp text, _fivetran_id int, "_Fivetran_Deleted" int, _fivetran_synced date, PRIMARY KEY (_fivetran_id));
      INSERT INTO added VALUES ('mine', 1, 2, '2020-01-01'), (NULL, 2, NULL, NULL);
      CREATE SCHEMA "a.b"; CREATE TABLE "a.b".c (id int PRIMARY KEY, first text);
      INSERT INTO "a.b".c SELECT i, 'of a.b' FROM generate_series(1, 30) i;
      CREATE SCHEMA a; CREATE TABLE a."b.c" (id int PRIMARY KEY, second text);
      INSERT INTO a."b.c" SELECT i, 'of a' FROM generate_series(1, 40) i;
      ANALYZE;
    `);
    outcome = await sync(database, { customBatchSize });
  });
  afterAll(() => database.drop());

  test('every table arrives, under a name that says where it is from', async () => {
    expect(outcome.failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      for (const name of NAMES) {
        const table = { schema: 'public', name };
        expect({ name, ...(await compareTable(database.client, warehouse, table)) }).toEqual({ name, ...same(20) });
        const nested = { schema: name, name };
        expect({ name, ...(await compareTable(database.client, warehouse, nested)) }).toEqual({ name, ...same(5) });
      }
    });
  });

  test('a second sync finds each of them again', async () => {
    const { failures } = await sync(database, { customBatchSize });
    expect(failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      for (const name of NAMES)
        expect(await compareTable(database.client, warehouse, { schema: 'public', name })).toEqual(same(20));
      const deleted = await Promise.all(
        NAMES.map((name) =>
          warehouse.rows(
            `SELECT count(*) FROM tester."source_public_${name.replaceAll('"', '""')}" WHERE _fivetran_deleted`,
          ),
        ),
      );
      expect(deleted.flat(2).filter((count) => count !== 0n)).toEqual([]);
    });
  });

  test('columns that differ only in case are both kept, the second under a name of its own', async () => {
    await withWarehouse(database, async (warehouse) => {
      const renamed = { ID: 'ID_3', Id: 'Id_4' };
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'cases', renamed })).toEqual(
        same(2),
      );
    });
    expect(outcome.lines).toContainEqual(expect.stringMatching(/^WARNING Column ID of public\.cases is called ID_3/));
  });

  test("columns that have the name of one of the product's own are both kept", async () => {
    await withWarehouse(database, async (warehouse) => {
      const renamed = {
        sync_timestamp: 'sync_timestamp_2',
        _fivetran_id: '_fivetran_id_2',
        _Fivetran_Deleted: '_Fivetran_Deleted_2',
        _fivetran_synced: '_fivetran_synced_2',
      };
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'added', renamed })).toEqual(
        same(2),
      );
    });
  });

  test('"a.b"."c" and "a"."b.c" are two tables', async () => {
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, { schema: 'a.b', name: 'c' })).toEqual(same(30));
      expect(await compareTable(database.client, warehouse, { schema: 'a', name: 'b.c' })).toEqual(same(40));
    });
    expect(new Set(outcome.report.tables.map(({ key }) => key)).size).toBe(outcome.report.tables.length);
  });

  test('two tables that would have one name: the first is synced, the second refused by name', async () => {
    await database.client.query(`
      CREATE SCHEMA x; CREATE TABLE x.y_z (id int PRIMARY KEY); INSERT INTO x.y_z VALUES (1);
      CREATE SCHEMA x_y; CREATE TABLE x_y.z (id int PRIMARY KEY); INSERT INTO x_y.z VALUES (2), (3);
      CREATE TABLE public."Twice" (id int PRIMARY KEY); CREATE TABLE public.twice (id int PRIMARY KEY);
    `);
    const { failures, report } = await sync(database, {
      customBatchSize,
      tableFilters: ['x.*', 'x_y.*', 'public.?wice'],
    });
    expect(report.tables).toHaveLength(4);
    expect(Object.values(failures)).toHaveLength(2);
    for (const [key, message] of Object.entries(failures))
      expect(message).toMatch(
        new RegExp(
          `^${key} would be called source_\\w+ in the warehouse, which is the name of \\w+\\.\\w+\\. (${key.startsWith('x') ? 'Set "destination_table"' : 'Leave'})`,
        ),
      );
    await withWarehouse(database, async (warehouse) => {
      const kept = report.tables.find(({ key, error }) => key.startsWith('x') && error === undefined);
      const [schema = '', name = ''] = kept?.key.split('.') ?? [];
      const { missing, unexpected } = await compareTable(database.client, warehouse, { schema, name });
      expect({ missing, unexpected }).toEqual({ missing: [], unexpected: [] });
    });
  });
});
