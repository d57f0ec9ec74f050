/** Somebody has changed rows of the warehouse, so that it counts as many as the source, and holds others. */
import { changeWarehouse } from '../../helpers/warehouse-access';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await database.drop();
});

it.each([
  ['a row taken out of the warehouse, another deleted at the source', 'DELETE FROM t WHERE id = 8', '', 299],
  [
    'the same beside changes of other rows',
    `DELETE FROM t WHERE id = 8; UPDATE t SET v = 'changed' WHERE id = 9`,
    '',
    299,
  ],
  [
    'the same in a table of several columns in its key',
    `DELETE FROM t WHERE id = 8`,
    'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (v, id)',
    299,
  ],
])('%s', async (_, change, first, rows) => {
  await database.client.query(
    `CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 300) i; ${first}`,
  );
  await sync(database, { syncMode: 'xmin' });
  await changeWarehouse(database, 'DELETE FROM tester.source_public_t WHERE id = 7');
  await database.client.query(change);
  expect((await sync(database, { syncMode: 'xmin' })).failures).toEqual({});
  const compared = await withWarehouse(database, (warehouse) =>
    compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
  );
  expect(compared).toEqual(same(rows));
});
