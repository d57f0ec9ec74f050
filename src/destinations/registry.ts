/** The destination that the settings name. */
import type { Logger } from '../common/logger';
import type { Destination } from './destination';
import { DuckDbDestination } from './duckdb';
import { NullDestination } from './null/destination';
import { nativeColumnDecoder } from '../native/process-stats';

/**
 * DuckDB uses whatever it is given as a cache of what it wrote, which nobody reads again: with more than it needs,
 * memory grows with the data and nothing is faster (measured: 5,000,000 rows took 480 MB where 310 MB do). What
 * tables need beside this is added when they are begun (destinations/duckdb/memory-room).
 */
const LOAD_MEMORY_BYTES = 48_000_000;
/** The hash table of a comparison of keys; beyond that it spills to a folder beside the warehouse. */
const MEMORY_SHARE = 0.25;
const MIN_MEMORY_BYTES = 128_000_000;
const MAX_MEMORY_BYTES = 256_000_000;

/** The settings that a destination is made from. */
interface DestinationSettings {
  readonly destination: 'duckdb' | 'null';
  readonly warehousePath: string;
  readonly destinationSchema: string;
  readonly typeMode: 'exact' | 'python';
}

export function createDestination(settings: DestinationSettings, availableBytes: number, logger: Logger): Destination {
  if (settings.destination === 'null') return new NullDestination();
  const decodeColumns = nativeColumnDecoder();
  const wanted = Number.isFinite(availableBytes) ? availableBytes * MEMORY_SHARE : MIN_MEMORY_BYTES;
  return new DuckDbDestination({
    path: settings.warehousePath,
    schema: settings.destinationSchema,
    memoryBytes: LOAD_MEMORY_BYTES,
    comparisonBytes: Math.min(Math.max(wanted, MIN_MEMORY_BYTES), MAX_MEMORY_BYTES),
    // Batches are inserted one after the other: with more threads, one works and the others spin (measured:
    // a fifth more CPU time on two cores, and no less time).
    threads: 1,
    logger,
    ...(decodeColumns === undefined ? {} : { decodeColumns }),
    ...(settings.typeMode === 'python' ? { secondsType: 'FLOAT' as const } : {}),
  });
}
