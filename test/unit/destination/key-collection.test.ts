import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DestinationTable } from '../../../src/destination/destination';
import { DuckDbDestination } from '../../../src/destination/duckdb-destination';
import { PackedBatch, PackedColumn, SEPARATOR } from '../../../src/model/packed-batch';

const TABLE: DestinationTable = {
  key: 'public.t',
  name: 't',
  columns: [{ name: 'id', type: { kind: 'int32' } }],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};

const ids = (...values: number[]): PackedBatch => {
  const text = values.join(SEPARATOR);
  return new PackedBatch(values.length, [new PackedColumn(text, values.length, false)], text.length);
};

test('a new collection of keys forgets what an attempt before it collected, committed or not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-keys-'));
  const silent = { debug: jest.fn(), info: jest.fn(), warning: jest.fn(), severe: jest.fn() };
  const destination = new DuckDbDestination({
    path: join(folder, 'warehouse.db'),
    memoryBytes: 128_000_000,
    comparisonBytes: 128_000_000,
    threads: 1,
    schema: 'tester',
    logger: silent,
  });
  try {
    await destination.open();
    await destination.beginLoad(TABLE, { startedAt: new Date() }, false);
    await destination.write(TABLE, ids(1, 2, 3));
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(1, 2, 3));
    await destination.commit();
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(1, 3));
    expect(await destination.keepOnlyKeys(TABLE)).toBe(1);
    expect(await destination.finishLoad(TABLE)).toEqual({ rows: 2, deleted: 0 });
    await destination.commit();
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(1, 3));
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(3));
    expect(await destination.markMissing(TABLE)).toBe(1);
  } finally {
    await destination.close();
    rmSync(folder, { recursive: true });
  }
});
