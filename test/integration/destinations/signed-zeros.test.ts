/** 0 and -0 are equal to DuckDB when it looks for runs of equal values, and are two values to PostgreSQL. */
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

/** `value`: SQL over the row's number i. */
async function expectSame(rowCount: number, value: string): Promise<void> {
  await database.client.query(
    `CREATE TABLE t AS SELECT i AS id, (${value})::float4 AS f, (${value})::float8 AS g FROM generate_series(1, ${rowCount}) AS i;
     ALTER TABLE t ADD PRIMARY KEY (id); ANALYZE`,
  );
  expect((await sync(database)).failures).toEqual({});
  await withWarehouse(database, async (warehouse) => {
    expect(await compareTable(database.client, warehouse, { schema: 'public', name: 't' })).toEqual(same(rowCount));
  });
}

test.each([
  ['few rows', 3, `CASE WHEN i = 1 THEN '-0' WHEN i = 2 THEN '0' ELSE i::text END`],
  ['runs of zeros', 3000, `CASE WHEN i % 100 = 5 THEN '-0' WHEN i % 100 < 50 THEN '0' ELSE (i / 100)::text END`],
  ['zeros among others', 3000, `CASE i % 7 WHEN 0 THEN '-0' WHEN 1 THEN '0' ELSE (i / 7.0)::text END`],
  ['one of the zeros only', 3000, `'-0'`],
])('%s', async (_, rowCount, value) => {
  await expectSame(rowCount, value);
});
