/** Tables without a key whose rows are rewritten: what is the same afterwards is not written. */
import { statSync } from 'node:fs';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { compareTable, withWarehouse } from '../../helpers/compare';
import { changeWarehouse } from '../../helpers/warehouse-access';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE t (a int, b text, n numeric, d timestamptz, j jsonb);
    INSERT INTO t SELECT i, CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN 'é' || md5(i::text) END, i + 0.5, 'epoch'::timestamptz + i * interval '1 s', '{"a": [1]}'
      FROM generate_series(1, 40000) i;
    INSERT INTO t SELECT * FROM t WHERE a <= 100; INSERT INTO t VALUES (NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL)`);
  await sync(database);
});
afterEach(() => database.drop());

const written = async (): Promise<number> => {
  const { report, failures } = await sync(database);
  expect(failures).toEqual({});
  return report.operations.upserts + report.operations.deletes;
};
const fileBytes = (): number => statSync(settingsFor(database).warehousePath).size;
const expectEqual = async (): Promise<void> =>
  expect(
    await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
    ),
  ).toMatchObject({ missing: [], unexpected: [] });

withRanges(it).each([
  ['an UPDATE that changes nothing', 'UPDATE t SET b = b'],
  [
    'another order',
    'CREATE TABLE s AS SELECT * FROM t; TRUNCATE t; INSERT INTO t SELECT * FROM s ORDER BY a DESC; DROP TABLE s',
  ],
  ['VACUUM FULL', 'VACUUM FULL t'],
])('writes no row after %s, and nothing but the state', async (_, statement) => {
  const before = fileBytes();
  await database.client.query(statement);
  expect(await written()).toBe(0);
  // Only the table's state was written: the rows would take more than a megabyte.
  expect(fileBytes() - before).toBeLessThan(400_000);
  await expectEqual();
  // The state knows of it now, so not even a digest is made.
  const { lines } = await sync(database);
  expect(lines).toContainEqual(expect.stringContaining('Unchanged since the last sync: 1 of 1 table'));
});

withRanges(it).each([
  ['1.0 that becomes 1.00', 'UPDATE t SET n = 7.50 WHERE a = 7'],
  ['an empty text that becomes NULL', 'UPDATE t SET b = NULL WHERE a = 3'],
  ['NULL that becomes an empty text', "UPDATE t SET b = '' WHERE a = 2"],
  [
    'a copy of one row that becomes one of another',
    'UPDATE t SET (a, b, n, d, j) = (SELECT a, b, n, d, j FROM t WHERE a = 200) WHERE ctid = (SELECT max(ctid) FROM t WHERE a = 1)',
  ],
  ['values that change places', 'UPDATE t SET n = CASE a WHEN 1 THEN 2.5 ELSE 1.5 END WHERE a IN (1, 2)'],
  ['the mark of NULL as a text', "UPDATE t SET b = E'\\x1d' WHERE a = 2"],
  ['a separator in a text', "UPDATE t SET b = E'x\\x1fy' WHERE a = 2"],
])('brings %s', async (_, statement) => {
  await database.client.query(statement);
  expect(await written()).toBeGreaterThan(0);
  await expectEqual();
  // From there on, the digest is of the new rows.
  await database.client.query(`UPDATE t SET a = a`);
  await written();
  await expectEqual();
});

withRanges(it)('tells a text that is the mark of NULL from NULL, where the copy has the text', async () => {
  await database.client.query(
    `ALTER TABLE t ADD COLUMN c text NOT NULL DEFAULT 'c'; UPDATE t SET c = E'\\x1d' WHERE a = 1`,
  );
  await written();
  await database.client.query('ALTER TABLE t ALTER c DROP NOT NULL; UPDATE t SET c = NULL WHERE a = 1');
  expect(await written()).toBeGreaterThan(0);
  await expectEqual();
});

withRanges(it)('loads the table where somebody has deleted a row of the copy', async () => {
  await changeWarehouse(database, 'DELETE FROM tester.source_public_t WHERE a = 4');
  await database.client.query('UPDATE t SET a = a');
  expect(await written()).toBeGreaterThan(0);
  await expectEqual();
});
