import { compareTable, same, withWarehouse } from '../helpers/compare';
import { createDemoDatabase } from '../helpers/demo-database';
import type { TestDatabase } from '../helpers/postgres';
import { sync } from './sync';

const TABLES = [
  ['public', 'customers'],
  ['public', 'suppliers'],
  ['public', 'products'],
  ['public', 'inventory'],
  ['public', 'orders'],
  ['public', 'order_items'],
  ['archive', 'orders'],
  ['public', 'events'],
  ['public', 'Order Detail'],
  ['public', 'audit_log'],
  ['public', 'returns'],
] as const;

/** What the built-in rule for orders does without a configured region. */
const replaced = { region: `CASE region WHEN 'weg45' THEN 'Europe' ELSE region END` };

// A batch of one row is a statement a row: few rows will do.
describe.each([
  { rows: 100, batchRows: 1 },
  { rows: 3_000, batchRows: 7 },
  { rows: 40_000, batchRows: 5_000 },
])('the demo shop of $rows rows, in batches of $batchRows', ({ rows, batchRows }) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDemoDatabase(rows);
  });
  afterAll(() => database.drop());

  test('every value of every table is the same in the warehouse', async () => {
    const { failures } = await sync(database, { customBatchSize: batchRows });
    expect(failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      let total = 0;
      for (const [schema, name] of TABLES) {
        const comparison = await compareTable(database.client, warehouse, {
          schema,
          name,
          ...(name === 'orders' ? { replaced } : {}),
        });
        expect({ schema, name, ...comparison }).toEqual({ schema, name, ...same(comparison.rows) });
        total += comparison.rows;
      }
      // The comparison itself saw the rows.
      expect(total).toBeGreaterThan(rows * 0.95);
      const tables = await warehouse.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'tester'",
      );
      expect(tables.flat().sort()).toEqual(
        [...TABLES.map(([schema, name]) => `source_${schema}_${name}`), 'postgres_table', 'postgres_column'].sort(),
      );
    });
  });
});
