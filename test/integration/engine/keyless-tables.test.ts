/** Tables without a key whose columns change: their rows are told apart by content, and stay the same rows. */
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { withWarehouse } from '../../helpers/compare';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE t (a int, b text, n numeric(10,2), d date);
    INSERT INTO t SELECT i, nullif(i % 7, 0)::text, i + 0.5, date '2024-01-01' + i FROM generate_series(1, 300) i;
    INSERT INTO t SELECT a, b, n, d FROM t WHERE a <= 20; INSERT INTO t SELECT a, b, n, d FROM t WHERE a <= 5`);
  await sync(database);
});
afterEach(() => database.drop());

const rows = (sql: string): Promise<unknown[][]> => withWarehouse(database, (warehouse) => warehouse.rows(sql));
/** Rows that are there and rows marked deleted. */
const counts = (): Promise<unknown[][]> =>
  rows(
    'SELECT count(*) FILTER (NOT _fivetran_deleted)::INT, count(*) FILTER (_fivetran_deleted)::INT FROM tester.source_public_t',
  );
const ALL = 300 + 20 + 10;

test.each([
  ['gains a column', 'ALTER TABLE t ADD COLUMN e int'],
  ['gains a column with a value of its own in each row', 'ALTER TABLE t ADD COLUMN e float8 DEFAULT random()'],
  ['loses a column', 'ALTER TABLE t DROP COLUMN b'],
  ['loses the column that told its rows apart', 'ALTER TABLE t DROP COLUMN a, DROP COLUMN n, DROP COLUMN d'],
  ['has a renamed column', 'ALTER TABLE t RENAME b TO c'],
  [
    'has columns that exchange their names',
    'ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b',
  ],
  [
    'is created anew in another order',
    'CREATE TABLE u AS SELECT d, n, b, a FROM t; DROP TABLE t; ALTER TABLE u RENAME TO t',
  ],
  ['has a wider number', 'ALTER TABLE t ALTER n TYPE numeric(12,4), ALTER a TYPE bigint'],
  ['has a narrower number', 'ALTER TABLE t ALTER n TYPE numeric(10,1)'],
  ['has a number without bounds', 'ALTER TABLE t ALTER n TYPE numeric, ALTER a TYPE numeric'],
  ['has a float', 'ALTER TABLE t ALTER n TYPE float8'],
  ['has text for a number', 'ALTER TABLE t ALTER a TYPE text'],
  ['has a time for a date', 'ALTER TABLE t ALTER d TYPE timestamp'],
])('a table that %s: none of its rows is marked deleted, and none is there twice', async (_what, sql) => {
  await database.client.query(sql);
  const { failures, report } = await sync(database);
  expect(failures).toEqual({});
  expect(await counts()).toEqual([[ALL, 0]]);
  expect(report.operations.deletes).toBe(0);
  await sync(database);
  expect(await counts()).toEqual([[ALL, 0]]);
});

test.each([', without a key', ', with a key'])(
  'columns of JSON may be called as the aliases of a statement are, of which DuckDB would take them for the table%s',
  async (key) => {
    const names = [...'abcdefghijklmnopqrstuvwxyz'].flatMap((letter) => [letter, `_pgsluice_${letter}`]);
    const columns = names.map((name) => `${name} json DEFAULT '{"id": 1}'`).join(', ');
    await database.client.query(`CREATE TABLE s (key int); INSERT INTO s SELECT generate_series(1, 30)`);
    if (key === ', with a key') await database.client.query('ALTER TABLE s ADD PRIMARY KEY (key)');
    await database.client.query(`ALTER TABLE s ${columns.replace(/(^|, )/g, '$1ADD ')}`);
    await sync(database);
    const changes = ['ALTER TABLE s ADD COLUMN other int', 'UPDATE s SET a = NULL', 'SELECT 1'];
    for (const [round, change] of changes.entries()) {
      await database.client.query(`${change}; DELETE FROM s WHERE key = ${round + 1}`);
      const { failures } = await sync(database, round === 2 ? { fullResync: ['*'] } : {});
      expect(failures).toEqual({});
      const [counted] = await rows('SELECT count(*)::INT FROM tester.source_public_s WHERE NOT _fivetran_deleted');
      expect(counted).toEqual([29 - round]);
    }
  },
);

test('a table whose only column gives way to another: its rows cannot be told apart, and as many are kept', async () => {
  await database.client.query(`CREATE TABLE s (a int); INSERT INTO s SELECT generate_series(1, 30)`);
  await sync(database);
  await database.client.query(`ALTER TABLE s ADD COLUMN b text; ALTER TABLE s DROP COLUMN a; DELETE FROM s
    WHERE ctid IN (SELECT ctid FROM s LIMIT 10)`);
  const { failures, report } = await sync(database);
  expect(failures).toEqual({});
  expect(report.operations.deletes).toBe(10);
  const kept = 'count(*) FILTER (NOT _fivetran_deleted)::INT, count(*) FILTER (_fivetran_deleted)::INT';
  expect(await rows(`SELECT ${kept} FROM tester.source_public_s`)).toEqual([[20, 10]]);
});

test('rows that go and change while a column comes are marked deleted, those that stay are not', async () => {
  await database.client.query(`
    DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t WHERE a = 1); DELETE FROM t WHERE a = 300; UPDATE t SET b = 'x' WHERE a = 299;
    ALTER TABLE t ADD COLUMN e int DEFAULT 1`);
  expect((await sync(database)).report.operations.deletes).toBe(3);
  // One of the four copies of the first row is gone.
  expect(
    await rows(
      'SELECT a, e, count(*)::INT FROM tester.source_public_t WHERE _fivetran_deleted GROUP BY ALL ORDER BY a',
    ),
  ).toEqual([
    [1, null, 1],
    [299, null, 1],
    [300, null, 1],
  ]);
  expect(await counts()).toEqual([[ALL - 2, 3]]);
  // At the next migration they are neither found again nor marked once more.
  await database.client.query(
    'ALTER TABLE t DROP COLUMN e, ADD COLUMN f text; INSERT INTO t SELECT a, b, n, d FROM t WHERE a = 1 LIMIT 1',
  );
  expect((await sync(database)).report.operations.deletes).toBe(0);
  expect(await counts()).toEqual([[ALL - 1, 2]]);
});
