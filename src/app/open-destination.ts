/** The destination that the settings name. */
import { availableParallelism } from 'node:os';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import type { Destination } from '../destination/destination';
import { DuckDbDestination } from '../destination/duckdb-destination';
import { NullDestination } from '../destination/null-destination';

/**
 * DuckDB needs room for the row groups being filled and for a merge's hash table; beyond that it spills to
 * a folder beside the warehouse. A quarter of the memory at hand, within these bounds, leaves the readers theirs.
 */
const MEMORY_SHARE = 0.25;
const MIN_MEMORY_BYTES = 128_000_000;
const MAX_MEMORY_BYTES = 1_000_000_000;

export function createDestination(settings: Settings, availableBytes: number, logger: Logger): Destination {
  if (settings.destination === 'null') return new NullDestination();
  const wanted = Number.isFinite(availableBytes) ? availableBytes * MEMORY_SHARE : MIN_MEMORY_BYTES;
  return new DuckDbDestination({
    path: settings.warehousePath,
    schema: settings.destinationSchema,
    memoryBytes: Math.min(Math.max(wanted, MIN_MEMORY_BYTES), MAX_MEMORY_BYTES),
    threads: Math.min(availableParallelism(), 4),
    logger,
    ...(settings.typeMode === 'python' ? { secondsType: 'FLOAT' as const } : {}),
  });
}
