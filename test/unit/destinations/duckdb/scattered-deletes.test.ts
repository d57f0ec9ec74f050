/**
 * DuckDB holds 16 kB for each 2,048 rows of which one was deleted, and cannot spill it: the more rows a table has, the more
 * memory it takes to look at it once changes have come all over it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROW_GROUP_ROWS, Warehouse } from '../../../../src/destinations/duckdb/warehouse';
import { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { warehouseAccess } from '../../../../src/destinations/duckdb/access';
import type { DestinationTable } from '../../../../src/destinations/destination';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-scattered-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ROWS = 8_000_000;
const LITTLE = 48_000_000;

const TABLE: DestinationTable = {
  key: 'public.t',
  name: 't',
  columns: [{ name: 'id', type: { kind: 'int32' } }],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};

/** A table of which each row group has lost a row. */
async function makeTable(path: string): Promise<number> {
  const warehouse = await Warehouse.open({ path, memoryBytes: 400_000_000, threads: 2 });
  try {
    await warehouse.run(
      `CREATE SCHEMA tester; CREATE TABLE tester.t AS SELECT i::INT AS id, 0::DOUBLE AS sync_timestamp, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS _fivetran_synced, false AS _fivetran_deleted FROM range(${ROWS}) r(i); CHECKPOINT`,
    );
    return ROWS - (await warehouse.run(`DELETE FROM tester.t WHERE id % ${ROW_GROUP_ROWS} = 7`));
  } finally {
    await warehouse.close();
  }
}

const keys = (...values: number[]): PackedBatch => new PackedBatch(values.length, [packValues(values.map(String))]);

test('a large table with changes all over it is counted, changed and counted again, with little memory', async () => {
  const path = join(folder, 'warehouse.db');
  const rows = await makeTable(path);
  const ignore = (): void => undefined;
  const destination = new DuckDbDestination({
    ...{ path, memoryBytes: LITTLE, comparisonBytes: LITTLE, threads: 1, schema: 'tester' },
    logger: { debug: ignore, info: ignore, warning: ignore, severe: ignore },
  });
  try {
    await destination.open();
    expect(await destination.countRows([TABLE])).toEqual([rows]);
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    expect(await destination.markDeleted(TABLE, [keys(1, 2, 7)])).toBe(2);
    await destination.writeChanges(TABLE, keys(2, 7, ROWS));
    expect(await destination.finishChanges(TABLE)).toEqual({ rows: rows + 1, deleted: 0 });
    await destination.commit();
  } finally {
    await destination.close();
  }
  const reader = await warehouseAccess(path, 'tester').openReader();
  try {
    const found = await reader?.query('SELECT count(*)::VARCHAR FROM tester.t WHERE NOT _fivetran_deleted');
    expect(found?.columns).toHaveLength(1);
  } finally {
    await reader?.close();
  }
});
