/** A second sync, after the warehouse's own rules or other programs have changed its tables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { changeWarehouse as changed } from '../../helpers/warehouse-access';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const rows = (sql: string): Promise<unknown[][]> => withWarehouse(database, (warehouse) => warehouse.rows(sql));

const changeWarehouse = (...statements: readonly string[]): Promise<void> => changed(database, ...statements);

test('a column renamed in its case only: DuckDB takes both for one', async () => {
  await database.client.query(
    `CREATE TABLE t (id int PRIMARY KEY, "Name" text); INSERT INTO t VALUES (1, 'a'), (2, 'b')`,
  );
  await sync(database);
  await database.client.query(`
    ALTER TABLE t RENAME "Name" TO name; DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (3, 'c')`);
  expect((await sync(database)).failures).toEqual({});
  expect(await rows('SELECT id, name, _fivetran_deleted FROM tester.source_public_t ORDER BY id')).toEqual([
    [1, 'a', false],
    [2, 'b', true],
    [3, 'c', false],
  ]);
});

// The rows that were staged before would get keys of another text, and be there twice.
test('a numeric key that becomes text in the middle of a pass over changes', async () => {
  const { client } = database;
  await client.query(`
    CREATE TABLE t (k numeric PRIMARY KEY, v text);
    INSERT INTO t SELECT i + 0.25 * (i % 3), repeat('x', 500) FROM generate_series(1, 2000) i; ANALYZE`);
  const settings = { syncMode: 'xmin', customBatchSize: 100, customThreads: 1, batchBytes: 65_536 } as const;
  await sync(database, settings);
  await client.query(`UPDATE t SET v = 'new' || v WHERE k < 500`);
  await client.query(`UPDATE t SET v = 'more' || v WHERE k > 1000`);
  await client.query(`INSERT INTO t VALUES ('NaN', 'late')`);
  const expectSame = async (): Promise<void> => {
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(client, warehouse, { schema: 'public', name: 't' })).toEqual(same(2001));
    });
    expect(await rows('SELECT DISTINCT _fivetran_deleted FROM tester.source_public_t')).toEqual([[false]]);
  };
  expect((await sync(database, settings)).failures).toEqual({});
  await expectSame();
  await client.query(`UPDATE t SET v = 'again' || v WHERE k < 500`);
  expect((await sync(database, { ...settings, reconcileEvery: 1 })).failures).toEqual({});
  await expectSame();
});

test('rows marked deleted, where type_mode is changed and changed back', async () => {
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5)');
  await sync(database);
  for (const [id, typeMode] of [
    [3, 'exact'],
    [4, 'python'],
    [5, 'exact'],
  ] as const) {
    await database.client.query(`DELETE FROM t WHERE id = ${id}`);
    expect((await sync(database, { typeMode, fullResync: ['*'] })).failures).toEqual({});
  }
  expect(await rows('SELECT id, _fivetran_deleted FROM tester.source_public_t ORDER BY id')).toEqual(
    [1, 2, 3, 4, 5].map((id) => [id, id > 2]),
  );
});

test('a column that changes its type twice in a pass, beside a table that is called like its copy', async () => {
  const { client } = database;
  await client.query(`
    CREATE TABLE foo (id int PRIMARY KEY, n numeric); INSERT INTO foo SELECT i, i FROM generate_series(1, 3000) i;
    CREATE TABLE foo_altered (id int PRIMARY KEY, n numeric); INSERT INTO foo_altered SELECT i, i FROM generate_series(1, 20) i; ANALYZE`);
  const settings = { syncMode: 'xmin', customBatchSize: 500, customThreads: 1 } as const;
  await sync(database, settings);
  await client.query(`UPDATE foo SET n = n + 1 WHERE id > 10`);
  for (const [id, n] of [
    [1, 1.5],
    [2, 1.25],
    [3, 1.125],
  ])
    await client.query(`UPDATE foo SET n = ${n} WHERE id = ${id}`);
  expect((await sync(database, settings)).failures).toEqual({});
  await withWarehouse(database, async (warehouse) => {
    expect(await compareTable(client, warehouse, { schema: 'public', name: 'foo' })).toEqual(same(3000));
    expect(await compareTable(client, warehouse, { schema: 'public', name: 'foo_altered' })).toEqual(same(20));
  });
});

test('a table that somebody dropped from the warehouse is loaded from the start, with a warning', async () => {
  const { client } = database;
  await client.query(`
    CREATE TABLE gone (id int PRIMARY KEY, v int); INSERT INTO gone SELECT i, i FROM generate_series(1, 20) i;
    CREATE TABLE kept (id int PRIMARY KEY, v int); INSERT INTO kept SELECT i, i FROM generate_series(1, 20) i`);
  await sync(database, { syncMode: 'xmin' });
  await changeWarehouse('DROP TABLE tester.source_public_gone');
  await client.query('UPDATE gone SET v = 0 WHERE id = 1; UPDATE kept SET v = 0 WHERE id = 1');
  const { failures, lines } = await sync(database, { syncMode: 'xmin' });
  expect(failures).toEqual({});
  expect(lines).toContain(
    'WARNING public.gone was synced, but schema tester of the warehouse has no table source_public_gone; it is loaded from the start.',
  );
  expect(lines.join('\n')).not.toMatch(/public\.kept .* from the start/);
  await withWarehouse(database, async (warehouse) => {
    for (const name of ['gone', 'kept'])
      expect(await compareTable(client, warehouse, { schema: 'public', name })).toEqual(same(20));
  });
});

test('two schemas of one warehouse are each as of their own last sync', async () => {
  const { client } = database;
  await client.query(
    `CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 20) i`,
  );
  const values = (schema: string): Promise<unknown[][]> =>
    rows(`SELECT v FROM ${schema}.source_public_t WHERE id <= 2 ORDER BY id`);
  await sync(database, { syncMode: 'xmin' });
  await client.query('UPDATE t SET v = -1 WHERE id = 1');
  await sync(database, { syncMode: 'xmin', destinationSchema: 'other' });
  await client.query('UPDATE t SET v = -2 WHERE id = 2');
  await sync(database, { syncMode: 'xmin' });
  expect(await values('tester')).toEqual([[-1], [-2]]);
  expect(await values('other')).toEqual([[-1], [2]]);
  await sync(database, { syncMode: 'xmin', destinationSchema: 'other' });
  expect(await values('other')).toEqual([[-1], [-2]]);
});

test('two tables of one name in the warehouse can each have a schema of their own, as the refusal says', async () => {
  await database.client.query(`
    CREATE SCHEMA a; CREATE SCHEMA a_b; CREATE TABLE a.b_c (id int PRIMARY KEY); CREATE TABLE a_b.c (id int PRIMARY KEY);
    INSERT INTO a.b_c VALUES (1); INSERT INTO a_b.c VALUES (2)`);
  const [refused] = Object.entries((await sync(database)).failures);
  expect(refused?.[1]).toContain('sync it into another "destination_schema"');
  const other = { tableFilters: [String(refused?.[0])], destinationSchema: 'other' };
  expect((await sync(database, other)).failures).toEqual({});
  expect(await rows('SELECT id FROM tester.source_a_b_c UNION SELECT id FROM other.source_a_b_c ORDER BY 1')).toEqual([
    [1],
    [2],
  ]);
});

test('the descriptions of the source stay when a table is refused by the warehouse', async () => {
  await database.client.query(
    `CREATE TABLE a (id int PRIMARY KEY, j json); INSERT INTO a VALUES (1, '1'); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)`,
  );
  const transformations = join(database.folder, 'rules.mjs');
  writeFileSync(
    transformations,
    `export const transformations = [{ name: 'r', matches: (t) => t.name === 'a', batch: () => ({ columns: { j: ['no JSON'] } }) }];`,
  );
  const { failures } = await sync(database, { transformations });
  expect(Object.keys(failures)).toEqual(['public.a']);
  expect(failures['public.a']).toContain('does not fit the warehouse');
  expect(await rows('SELECT table_name FROM tester.postgres_table ORDER BY 1')).toEqual([['a'], ['b']]);
});

describe('a column that had become text', () => {
  const types = (table: string): Promise<unknown[][]> =>
    rows(
      `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'source_public_${table}' AND column_name IN ('n', 'm', 'at', 'b') ORDER BY 1`,
    );
  const texts = (): Promise<unknown[][]> =>
    rows(`SELECT id, n::VARCHAR, "at"::VARCHAR FROM tester.source_public_t WHERE _fivetran_deleted ORDER BY id`);
  const full = { syncMode: 'xmin', fullResync: ['*'] } as const;
  beforeEach(async () => {
    await database.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, n numeric, m numeric(10,2), at timestamptz);
      INSERT INTO t SELECT i, i + 0.5, i, '2024-01-01 10:00:00+00' FROM generate_series(1, 50) i;
      INSERT INTO t VALUES (60, 0.125, 1, '0044-03-15 10:00:00+00 BC')`);
    await sync(database, { syncMode: 'xmin' });
    await database.client.query(`UPDATE t SET n = 'NaN', m = 'NaN', at = '294270-01-01' WHERE id = 1`);
    await sync(database, { syncMode: 'xmin' });
    expect(await types('t')).toEqual([
      ['at', 'VARCHAR'],
      ['m', 'VARCHAR'],
      ['n', 'VARCHAR'],
    ]);
  });

  test('goes back with a full load, also where rows marked deleted have more digits', async () => {
    await database.client.query(`
      UPDATE t SET n = 1, m = 1, at = now() WHERE id = 1; DELETE FROM t WHERE id IN (5, 60)`);
    expect((await sync(database, full)).failures).toEqual({});
    expect(await types('t')).toEqual([
      ['at', 'TIMESTAMP WITH TIME ZONE'],
      ['m', 'DECIMAL(10,2)'],
      ['n', 'DECIMAL(38,3)'],
    ]);
    expect(await texts()).toEqual([
      [5, '5.500', '2024-01-01 10:00:00+00'],
      [60, '0.125', '0044-03-15 (BC) 10:00:00+00'],
    ]);
  });

  test('stays text where a row marked deleted needs it, and says how it goes back', async () => {
    await database.client.query(`DELETE FROM t WHERE id = 1`);
    const { lines } = await sync(database, full);
    expect(lines).toContain(
      'WARNING Column m of source_public_t becomes VARCHAR: rows marked deleted hold values that DECIMAL(10,2) cannot. It goes back with a full load once those are deleted there.',
    );
    expect(await types('t')).toEqual([
      ['at', 'VARCHAR'],
      ['m', 'VARCHAR'],
      ['n', 'VARCHAR'],
    ]);
    expect(await texts()).toEqual([[1, 'NaN', '294270-01-01 00:00:00+00']]);
    await changeWarehouse('DELETE FROM tester.source_public_t WHERE _fivetran_deleted');
    await sync(database, full);
    expect(await types('t')).toEqual([
      ['at', 'TIMESTAMP WITH TIME ZONE'],
      ['m', 'DECIMAL(10,2)'],
      ['n', 'DECIMAL(38,3)'],
    ]);
  });
});
