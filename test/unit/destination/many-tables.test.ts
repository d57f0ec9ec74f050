import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DestinationTable } from '../../../src/destination/destination';
import { DuckDbDestination } from '../../../src/destination/duckdb-destination';
import { PackedBatch, PackedColumn, SEPARATOR } from '../../../src/model/packed-batch';

const ROWS = 10;
const TABLES = 3_000;
/** As the writer commits small tables. */
const TABLES_PER_COMMIT = 500;

function tableOf(number: number): DestinationTable {
  return {
    key: `public.t${number}`,
    name: `t${number}`,
    columns: [
      { name: 'id', type: { kind: 'int32' } },
      { name: 'name', type: { kind: 'string' } },
      { name: 'amount', type: { kind: 'float64' } },
      { name: 'note', type: { kind: 'string' } },
    ],
    primaryKey: ['id'],
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
}

// Without a checkpoint now and then DuckDB's memory ended at about the 2,500th.
test('memory does not grow with the tables that were committed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-tables-'));
  const silent = { debug: jest.fn(), info: jest.fn(), warning: jest.fn(), severe: jest.fn() };
  const destination = new DuckDbDestination({
    path: join(folder, 'warehouse.db'),
    memoryBytes: 64_000_000,
    comparisonBytes: 64_000_000,
    threads: 1,
    schema: 'tester',
    logger: silent,
  });
  const texts = [(row: number) => `${row}`, (row: number) => `name ${row}`, (row: number) => `${row / 4}`];
  const columns = [...texts, (row: number) => `note ${row}`].map((text) =>
    Array.from({ length: ROWS }, (_, row) => text(row)).join(SEPARATOR),
  );
  const batch = new PackedBatch(
    ROWS,
    columns.map((text) => new PackedColumn(text, ROWS, true)),
    columns.join('').length,
  );
  try {
    await destination.open();
    for (let number = 1; number <= TABLES; number += 1) {
      const table = tableOf(number);
      await destination.beginLoad(table, { startedAt: new Date() }, false);
      await destination.write(table, batch);
      expect(await destination.finishLoad(table)).toEqual({ rows: ROWS, deleted: 0 });
      if (number % TABLES_PER_COMMIT === 0) await destination.commit();
    }
  } finally {
    await destination.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
