import { changeColumn } from '../../../../../src/destinations/duckdb/load/alter-table';
import { Warehouse } from '../../../../../src/destinations/duckdb/warehouse';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('columns changed in the middle of a transaction', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-alter-'));
  const table = '"main"."odd ""name"""';
  let warehouse: Warehouse;
  beforeEach(async () => {
    warehouse = await Warehouse.open({ path: join(folder, 'w.db'), memoryBytes: 100_000_000, threads: 1 });
    await warehouse.run(`CREATE OR REPLACE TABLE ${table} (id INTEGER NOT NULL, v DECIMAL(5,2), w JSON)`);
    await warehouse.run(`INSERT INTO ${table} VALUES (1, 1.5, '{}'), (2, NULL, NULL), (3, 0.25, '[]')`);
  });
  afterEach(() => warehouse.close());
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['nothing else', undefined],
    ['rows inserted', `INSERT INTO ${table} VALUES (4, 4, NULL)`],
    ['rows updated', `UPDATE ${table} SET v = v + 1 WHERE id = 1`],
    ['rows deleted', `DELETE FROM ${table} WHERE id = 3`],
  ])('after %s: the transaction commits, and no row is lost', async (_, change) => {
    await warehouse.run('BEGIN TRANSACTION');
    if (change?.startsWith('INSERT') === true) await warehouse.run(change);
    else if (change !== undefined) await warehouse.changeRows(table, change);
    const before = await warehouse.rows(
      `SELECT id, CAST(v AS VARCHAR), CAST(w AS VARCHAR), NULL FROM ${table} ORDER BY id`,
    );
    await changeColumn(warehouse, table, { column: 'v', type: 'VARCHAR', value: 'CAST(v AS VARCHAR)' });
    await changeColumn(warehouse, table, { column: 'new', type: 'BIGINT', value: 'NULL', isNew: true });
    await warehouse.changeRows(table, `UPDATE ${table} SET "new" = NULL WHERE id = 1`);
    await warehouse.endTransaction('COMMIT');
    expect(await warehouse.rows(`SELECT * FROM ${table} ORDER BY id`)).toEqual(before);
    expect(await warehouse.rows(`SELECT column_name, column_type, "null" FROM (DESCRIBE ${table})`)).toEqual([
      ['id', 'INTEGER', 'NO'],
      ['v', 'VARCHAR', 'YES'],
      ['w', 'JSON', 'YES'],
      ['new', 'BIGINT', 'YES'],
    ]);
  });
});
