/** What is counted in the warehouse before a pass by transaction ids, and how often. */
import { Warehouse } from '../../../src/destinations/duckdb/warehouse';
import { WarehouseDestination } from '../../../src/destinations/duckdb/destination';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, withRanges, type TestDatabase } from '../../helpers/postgres';
import { changeWarehouse } from '../../helpers/warehouse-access';
import { sync } from '../sync';

const CHANGES = { syncMode: 'xmin' } as const;

let database: TestDatabase;
let statements: string[];
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 20) i; ANALYZE`);
  await sync(database, CHANGES);
  statements = [];
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its warehouse below
  const { rows } = Warehouse.prototype;
  jest.spyOn(Warehouse.prototype, 'rows').mockImplementation(function (this: Warehouse, sql) {
    statements.push(sql);
    return rows.call(this, sql);
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await database.drop();
});

const counts = (): number =>
  statements.filter((sql) => /count\(\*\) FROM .*source_public_t/.test(sql) && !sql.includes('HAVING')).length;

async function expectEqual(): Promise<void> {
  jest.restoreAllMocks();
  await withWarehouse(database, async (warehouse) => {
    expect(await compareTable(database.client, warehouse, { schema: 'public', name: 't' })).toEqual(same(20));
  });
}

describe('a small table of which a row has changed', () => {
  beforeEach(() => database.client.query('UPDATE t SET v = 0 WHERE id = 7'));

  test('is counted once before its pass, in a file that nobody else can write, and once after it', async () => {
    await sync(database, CHANGES);
    expect(counts()).toBe(2);
    await expectEqual();
  });

  withRanges(test)('is counted again where others may write meanwhile', async () => {
    jest.spyOn(WarehouseDestination.prototype, 'countsStay', 'get').mockReturnValue(false);
    await sync(database, CHANGES);
    expect(counts()).toBe(3);
    await expectEqual();
  });

  test('has all of its keys compared where somebody took a row of the copy, and added two', async () => {
    await changeWarehouse(
      database,
      'DELETE FROM tester.source_public_t WHERE id = 9',
      'INSERT INTO tester.source_public_t BY NAME SELECT * REPLACE (id + 1000 AS id) FROM tester.source_public_t WHERE id IN (5, 6)',
    );
    expect((await sync(database, CHANGES)).failures).toEqual({});
    await expectEqual();
  });

  test('is not searched for keys that came twice, as one row has one key', async () => {
    await sync(database, CHANGES);
    expect(statements.filter((sql) => sql.includes('HAVING count(*) > 1'))).toEqual([]);
    await database.client.query('UPDATE t SET v = 1 WHERE id IN (7, 8)');
    await sync(database, CHANGES);
    expect(statements.filter((sql) => sql.includes('HAVING count(*) > 1'))).toHaveLength(1);
    await expectEqual();
  });
});
