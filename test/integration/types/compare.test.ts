import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { changeWarehouse } from '../../helpers/warehouse-access';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

// Every other test of values rests on this comparison: it must see the least of differences.
describe('the comparison of a table with its warehouse table', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE t (id int, f float8, r real, n numeric(20,10), free numeric, at timestamptz, day date, v text, b bytea, j jsonb, span int4range);
      INSERT INTO t SELECT i, 0.1, 0.1, 0.1, 1.5, '2024-02-29 12:00:00.000001+00', '0044-03-15 BC', 'v', '\\x00ff', '{"a": 1}', '[1,5)' FROM generate_series(1, 2) i`);
    await sync(database);
  });
  afterAll(() => database.drop());

  const differences = async (): Promise<[number, number]> =>
    await withWarehouse(database, async (warehouse) => {
      const { missing, unexpected } = await compareTable(database.client, warehouse, { schema: 'public', name: 't' });
      return [missing.length, unexpected.length];
    });
  const change = (sql: string): Promise<void> => changeWarehouse(database, sql);

  test('sees none where there is none', async () => {
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 't' })).toEqual(same(2));
    });
  });

  test.each([
    ['f', 'f + 1.4e-17'],
    ['f', '-f'],
    ['r', 'CAST(0.10000001 AS FLOAT)'],
    ['n', 'n + 0.0000000001'],
    ['free', '1.4'],
    ['"at"', '"at" + INTERVAL 1 MICROSECOND'],
    ['day', "DATE '0044-03-15'"],
    ['v', "'v '"],
    ['v', "''"],
    ['v', 'NULL'],
    ['v', "chr(65279) || 'v'"],
    ['b', "'\\x00\\xFE'::BLOB"],
    ['j', `'{"a":1}'`],
    ['span', `replace(span, '"1"', '"2"')`],
    ['_fivetran_deleted', 'true'],
  ])('sees that %s has become %s', async (column, changed) => {
    const before = `SET ${column} = ${changed} WHERE id = 1`;
    await change(
      `CREATE OR REPLACE TABLE tester.kept AS FROM tester.source_public_t; UPDATE tester.source_public_t ${before}`,
    );
    const seen = await differences();
    await change('CREATE OR REPLACE TABLE tester.source_public_t AS FROM tester.kept; DROP TABLE tester.kept');
    expect(seen).toEqual(column === '_fivetran_deleted' ? [1, 0] : [1, 1]);
    expect(await differences()).toEqual([0, 0]);
  });

  test('sees a row too many of two equal ones', async () => {
    await change('INSERT INTO tester.source_public_t FROM tester.source_public_t WHERE id = 1');
    expect(await differences()).toEqual([0, 1]);
  });
});
