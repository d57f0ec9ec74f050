import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDbDestination } from '../../src/destinations/duckdb/destination';
import type { ColumnDecoder } from '../../src/model/column-decoding';

/** Runs `action` with a destination on a new warehouse file with little memory; `warnings` gathers its warnings. */
export async function withDestination(
  action: (destination: DuckDbDestination, warnings: readonly string[], path: string) => Promise<void>,
  columnDecoder?: ColumnDecoder,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-destination-'));
  const path = join(folder, 'warehouse.db');
  const warnings: string[] = [];
  const nothing = (): void => undefined;
  const warning = (message: string): void => void warnings.push(message);
  const destination = new DuckDbDestination({
    path,
    memoryBytes: 64_000_000,
    comparisonBytes: 128_000_000,
    threads: 1,
    schema: 'tester',
    ...(columnDecoder === undefined ? {} : { columnDecoder }),
    logger: { debug: nothing, info: nothing, warning, severe: nothing },
  });
  try {
    await destination.open();
    await action(destination, warnings, path);
  } finally {
    await destination.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
