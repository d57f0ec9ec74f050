import { existsSync, statSync } from 'node:fs';
import type { DestinationTable } from '../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';
import { withDestination } from '../../../helpers/duckdb-destination';

const TEXT_LENGTH = 100_000;
const MEGABYTE = 1024 * 1024;

const TABLE: DestinationTable = {
  key: 'public.t',
  name: 't',
  columns: [
    { name: 'id', type: { kind: 'int32' } },
    { name: 'body', type: { kind: 'string' } },
  ],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};

async function write(destination: DuckDbDestination, from: number, to: number): Promise<void> {
  const ids = Array.from({ length: to - from }, (_, index) => String(from + index));
  // No two are alike, so that DuckDB stores each.
  const texts = ids.map((id) => id.padStart(8, '0').repeat(TEXT_LENGTH / 8));
  await destination.write(TABLE, new PackedBatch(ids.length, [packValues(ids), packValues(texts)]));
}

function sizes(path: string): { readonly file: number; readonly log: number } {
  const log = `${path}.wal`;
  return { file: statSync(path).size, log: existsSync(log) ? statSync(log).size : 0 };
}

// DuckDB takes 300 long texts for a few kilobytes, and would write them into its log and later into the file.
test('a large commit is written into the file alone, and a small one into the log', async () => {
  await withDestination(async (destination, _warnings, path) => {
    await destination.beginLoad(TABLE, { startedAt: new Date() }, false);
    await write(destination, 0, 300);
    await destination.commit();
    const large = sizes(path);
    expect(large.log).toBe(0);
    expect(large.file).toBeGreaterThan(0.5 * MEGABYTE);
    await write(destination, 300, 301);
    await destination.commit();
    const small = sizes(path);
    expect(small.file).toBe(large.file);
    expect(small.log).toBeGreaterThan(0);
    expect(await destination.finishLoad(TABLE)).toEqual({ rows: 301, deleted: 0 });
  });
});
