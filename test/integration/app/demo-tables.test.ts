import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDemoDatabase } from '../../helpers/demo-database';
import { startServer, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

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

/** Syncs and compares every table; `rows` is what the shop was asked to hold, about. */
async function expectFaithfulCopy(database: TestDatabase, rows: number, batchRows: number): Promise<void> {
  const { failures } = await sync(database, { customBatchSize: batchRows });
  expect(failures).toEqual({});
  await withWarehouse(database, async (warehouse) => {
    let total = 0;
    for (const [schema, name] of TABLES) {
      const table = { schema, name, ...(name === 'orders' ? { replaced } : {}) };
      const comparison = await compareTable(database.client, warehouse, table);
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
}

describe('every value of every table of the demo shop is the same in the warehouse', () => {
  // A batch of one row is a statement a row: few rows will do.
  test.each([
    { rows: 100, batchRows: 1 },
    { rows: 3_000, batchRows: 7 },
    { rows: 40_000, batchRows: 5_000 },
  ])('$rows rows in batches of $batchRows', async ({ rows, batchRows }) => {
    const database = await createDemoDatabase(rows);
    try {
      await expectFaithfulCopy(database, rows, batchRows);
    } finally {
      await database.drop();
    }
  });

  test('PostgreSQL 13, which cannot read by ranges of ctid: 3000 rows through cursors', async () => {
    const server = await startServer({ version: '13' });
    try {
      const database = await createDemoDatabase(3_000, server);
      await expectFaithfulCopy(database, 3_000, 500);
      await database.drop();
    } finally {
      await server.close();
    }
  });
});
