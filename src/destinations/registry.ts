/**
 * The destination that the settings name, and what can be asked of it without knowing which one it is. A new destination
 * implements `Destination` (destinations/destination) in a folder of its own and is added here.
 */
import type { Logger } from '../common/logger';
import type { Destination } from './destination';
import { DuckDbDestination, readWarehouse, type WarehouseContents } from './duckdb';
import { DuckLakeDestination, readLake, type LakePlace } from './ducklake';
import { NullDestination } from './null/destination';
import { nativeColumnDecoder } from '../native/process-stats';

/** Which destination it is; structurally a part of the settings. */
export interface DestinationSettings {
  readonly destination: 'duckdb' | 'ducklake' | 'null';
  readonly warehousePath: string;
  readonly lakeCatalog: string;
  readonly lakeDataPath: string | undefined;
  readonly lakeExtensions: string | undefined;
  readonly destinationSchema: string;
  /** `python`: the types of the Python connector. */
  readonly typeMode: 'exact' | 'python';
}

/** Whether rows and state stay anywhere. */
export function keepsRows({ destination }: Pick<DestinationSettings, 'destination'>): boolean {
  return destination !== 'null';
}

/** What it holds, with the last `runs`; undefined where there is nothing yet, or nothing is kept. */
export async function readContents(
  settings: Omit<DestinationSettings, 'typeMode'>,
  runs: number,
): Promise<WarehouseContents | undefined> {
  switch (settings.destination) {
    case 'duckdb':
      return await readWarehouse(settings.warehousePath, settings.destinationSchema, runs);
    case 'ducklake':
      return await readLake(lakePlace(settings), settings.destinationSchema, runs);
    case 'null':
      return undefined;
  }
}

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

export function createDestination(settings: DestinationSettings, availableBytes: number, logger: Logger): Destination {
  if (!keepsRows(settings)) return new NullDestination();
  const decodeColumns = nativeColumnDecoder();
  const wanted = Number.isFinite(availableBytes) ? availableBytes * MEMORY_SHARE : MIN_MEMORY_BYTES;
  const options = {
    schema: settings.destinationSchema,
    memoryBytes: LOAD_MEMORY_BYTES,
    comparisonBytes: Math.min(Math.max(wanted, MIN_MEMORY_BYTES), MAX_MEMORY_BYTES),
    // Batches are inserted one after the other: with more threads, one works and the others spin (measured:
    // a fifth more CPU time on two cores, and no less time).
    threads: 1,
    logger,
    ...(decodeColumns === undefined ? {} : { decodeColumns }),
    ...(settings.typeMode === 'python' ? { secondsType: 'FLOAT' as const } : {}),
  };
  return settings.destination === 'ducklake'
    ? new DuckLakeDestination({ ...options, ...lakePlace(settings), availableBytes })
    : new DuckDbDestination({ ...options, path: settings.warehousePath });
}

function lakePlace({
  lakeCatalog,
  lakeDataPath,
  lakeExtensions,
}: Pick<DestinationSettings, 'lakeCatalog' | 'lakeDataPath' | 'lakeExtensions'>): LakePlace {
  return { catalog: lakeCatalog, dataPath: lakeDataPath, extensions: lakeExtensions };
}
