/** Rows that are gone from tables whose keys are of many kinds; all are compared with the source afterwards. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { compareTable, same, withWarehouse, type Comparison } from '../../helpers/compare';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import * as keyComparison from '../../../src/engine/passes/key-comparison';
import { sync, type SyncOutcome } from '../sync';

let mostRows = Infinity;
jest.mock('../../../src/engine/passes/key-comparison', () => {
  const actual = jest.requireActual<typeof keyComparison>('../../../src/engine/passes/key-comparison');
  return {
    ...actual,
    allKeysAreLess: (rows: number | undefined) => actual.allKeysAreLess(rows) && rows !== undefined && rows <= mostRows,
  };
});

let database: TestDatabase;
beforeEach(async () => {
  mostRows = Infinity;
  database = await createDatabase();
});
afterEach(async () => {
  await database.drop();
});

const sql = (text: string): Promise<unknown> => database.client.query(text);
async function xmin(): Promise<SyncOutcome> {
  await allOlderEnded(database.client);
  return await sync(database, { syncMode: 'xmin' });
}
const compared = (): Promise<Comparison> =>
  withWarehouse(database, (warehouse) => compareTable(database.client, warehouse, { schema: 'public', name: 't' }));

async function table(columns: string, rows: string): Promise<void> {
  await sql(`CREATE TABLE t (${columns}); INSERT INTO t ${rows}; ANALYZE t`);
}

it.each<[string, string, string]>([
  ['smallint', 'id smallint PRIMARY KEY, v int', 'SELECT i, i FROM generate_series(-30000, 30000, 5) i'],
  [
    'both ends of integer',
    'id int PRIMARY KEY, v int',
    `SELECT i, i FROM unnest('{-2147483648,2147483647,0,1}'::int[]) i`,
  ],
  [
    'the least of integer',
    'id int PRIMARY KEY, v int',
    'SELECT i - 2147483648, i FROM generate_series(0::int8, 12000) i',
  ],
  [
    'the most of bigint',
    'id bigint PRIMARY KEY, v int',
    'SELECT 9223372036854775807 - i, i FROM generate_series(0, 12000) i',
  ],
  ['far apart', 'id bigint PRIMARY KEY, v int', 'SELECT i * 1000000000000, i FROM generate_series(0, 12000) i'],
  [
    'two columns',
    'a int, b int, v int, PRIMARY KEY (a, b)',
    'SELECT i / 10, i % 10, i FROM generate_series(0, 12000) i',
  ],
  [
    'a text and a number',
    'a text, b int, v int, PRIMARY KEY (a, b)',
    'SELECT i % 3, i, i FROM generate_series(0, 12000) i',
  ],
  ['dates', 'id date PRIMARY KEY, v int', `SELECT date '0001-01-01 BC' + i, i FROM generate_series(0, 12000) i`],
])('finds deleted rows by keys of %s', async (_, columns, rows) => {
  await table(columns, rows);
  await xmin();
  await sql('DELETE FROM t WHERE v % 7 = 1');
  await xmin();
  expect(await compared()).toMatchObject({ missing: [], unexpected: [] });
});

withRanges(it).each([
  ['all keys', Infinity],
  ['groups of keys', 0],
])('finds deleted rows by several readers and %s, and marks no others', async (_, most) => {
  mostRows = most;
  await table(
    'id int PRIMARY KEY, v int, w text',
    `SELECT i, i, repeat('x', 60) FROM generate_series(1, 260000) i ORDER BY hashint4(i)`,
  );
  await xmin();
  await sql('DELETE FROM t WHERE id % 1000 = 7 OR id BETWEEN 100000 AND 101000; UPDATE t SET v = 0 WHERE id < 100');
  const { report, lines } = await xmin();
  expect(report.operations.deletes).toBe(260 + 1001 - 1);
  expect(lines.join('\n')).toContain(' 98 records, 1260 marked deleted (258740 rows)');
  expect(await compared()).toEqual(same(258_740));
  const { report: quiet } = await xmin();
  expect(quiet.operations).toMatchObject({ upserts: 0, deletes: 0 });
});

withRanges(it)('takes back a mark that somebody has set in the warehouse', async () => {
  await table('id int PRIMARY KEY, v int', 'SELECT i, i FROM generate_series(1, 12000) i');
  await xmin();
  const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
  const connection = await instance.connect();
  await connection.run('UPDATE tester.source_public_t SET _fivetran_deleted = true WHERE id <= 10');
  connection.closeSync();
  instance.closeSync();
  await sql('DELETE FROM t WHERE id = 9999');
  const { report } = await xmin();
  expect(report.operations).toMatchObject({ upserts: 0, deletes: 1 });
  expect(await compared()).toEqual(same(11_999));
});

/** The server's statistics tell of deletes at once, as they do a second later by themselves. */
const told = (): Promise<unknown> =>
  sql(
    `DO $$ BEGIN IF current_setting('server_version_num')::int >= 150000 THEN PERFORM pg_stat_force_next_flush(); END IF; END $$`,
  );

withRanges(describe)('where the statistics say that rows were deleted', () => {
  const rows = "SELECT i, i, repeat('x', 60) FROM generate_series(1, 60000) i ORDER BY hashint4(i)";

  it.each(['smallint', 'int', 'bigint'])('takes keys of type %s in the scan for changes', async (type) => {
    const some = type === 'smallint' ? rows.replace('60000', '30000') : rows;
    await table(`id ${type} PRIMARY KEY, v int, w text`, some);
    await xmin();
    await sql('DELETE FROM t WHERE id % 500 = 7; UPDATE t SET v = 0 WHERE id < 100; UPDATE t SET id = -5 WHERE id = 5');
    await sql('DELETE FROM t WHERE id = 11; INSERT INTO t VALUES (11, 1, NULL)');
    await told();
    const { report } = await xmin();
    expect(report.operations.deletes).toBe(type === 'smallint' ? 61 : 121);
    expect(await compared()).toMatchObject({ missing: [], unexpected: [] });
    expect((await xmin()).report.operations).toMatchObject({ upserts: 0, deletes: 0 });
  });

  it('marks nothing where the deletes were rolled back', async () => {
    await table('id int PRIMARY KEY, v int, w text', rows);
    await xmin();
    await sql('BEGIN; DELETE FROM t WHERE id < 5000; ROLLBACK; UPDATE t SET v = 0 WHERE id = 1');
    await told();
    const { report } = await xmin();
    expect(report.operations).toMatchObject({ upserts: 1, deletes: 0 });
    expect(await compared()).toEqual(same(60_000));
  });

  it('finds rows that the copy lacks', async () => {
    await table('id int PRIMARY KEY, v int, w text', rows);
    await xmin();
    const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
    const connection = await instance.connect();
    await connection.run('DELETE FROM tester.source_public_t WHERE id <= 10');
    connection.closeSync();
    instance.closeSync();
    await sql('DELETE FROM t WHERE id = 9999');
    await told();
    const { lines } = await xmin();
    expect(lines.join('\n')).toContain('The warehouse lacks 10 rows of public.t');
    expect(await compared()).toEqual(same(59_999));
  });
});
