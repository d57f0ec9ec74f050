/**
 * The destinations that there are: how each is made for a sync, and how the other commands look at what it keeps.
 *
 * The layers above start here; nothing outside of src/destinations knows a destination by its name. A new destination
 * implements `Destination` (destinations/destination) in a folder of its own. It gets its name in model/destination-name
 * and its place in destinations/place, and is added to the table below.
 */
import type { Logger } from '../common/logger';
import type { Destination } from './destination';
import { duckdb, DuckDbDestination, warehouseAccess } from './duckdb';
import { DuckLakeDestination, lakeAccess, LakePartsDestination, type LakePlace } from './ducklake';
import { catalogKind } from './lake-names';
import { NullDestination } from './null/destination';
import type { PartsDestination, PartsWork } from './parts';
import { keepsRows, type PlaceSettings } from './place';
import type { WarehouseAccess, WarehouseContents } from './warehouse-access';
import type { DestinationName } from '../model/destination-name';
import { nativeColumnDecoder } from '../native/column-decoder';

/** Which destination it is; structurally a part of the settings. */
export interface DestinationSettings extends PlaceSettings {
  readonly lakeExtensions: string | undefined;
  readonly destinationSchema: string;
  /** `python`: the types of the Python connector. */
  readonly typeMode: 'exact' | 'python';
}

type AccessSettings = Omit<DestinationSettings, 'typeMode'>;

interface RegisteredDestination {
  readonly create: (settings: DestinationSettings, availableBytes: number, logger: Logger) => Destination;
  readonly access: (settings: AccessSettings) => WarehouseAccess;
}

const duckdbAccess = ({ warehousePath, destinationSchema }: AccessSettings): WarehouseAccess =>
  warehouseAccess(warehousePath, destinationSchema);

const DESTINATIONS: Readonly<Record<DestinationName, RegisteredDestination>> = {
  duckdb: { create: createDuckDb, access: duckdbAccess },
  ducklake: {
    create: createDuckLake,
    access: (settings) => lakeAccess(lakePlace(settings), settings.destinationSchema),
  },
  // A sync that measures hides nothing: other commands still find the warehouse that earlier syncs have filled.
  null: { create: () => new NullDestination(), access: duckdbAccess },
};

/** Makes the destination of a sync. `availableBytes` is the memory of this host that is free; NaN: not known. */
export function createDestination(settings: DestinationSettings, availableBytes: number, logger: Logger): Destination {
  return DESTINATIONS[settings.destination].create(settings, availableBytes, logger);
}

/** Whether many processes may write into the destination at once. */
export function takesParts({ destination, lakeCatalog }: DestinationSettings): boolean {
  return destination === 'ducklake' && catalogKind(lakeCatalog) === 'postgres';
}

/** Makes the destination of a load in parts, where it `takesParts`. */
export function createPartsDestination(
  settings: DestinationSettings,
  availableBytes: number,
  logger: Logger,
  work: PartsWork,
): PartsDestination {
  return new LakePartsDestination(lakeOptions(settings, availableBytes, logger), work);
}

/** What the commands that write no rows ask. */
export function accessTo(settings: AccessSettings): WarehouseAccess {
  return DESTINATIONS[settings.destination].access(settings);
}

/** What the next sync would find, with the last `runs`; undefined where there is nothing yet, or nothing is kept. */
export async function readContents(settings: AccessSettings, runs: number): Promise<WarehouseContents | undefined> {
  return keepsRows(settings) ? await accessTo(settings).readContents(runs) : undefined;
}

/** Versions of what writes the destinations, by name. */
export function libraryVersions(): Readonly<Record<string, string>> {
  return { duckdb: duckdb().version().replace(/^v/, '') };
}

/**
 * DuckDB uses all memory it is given as a cache of what it wrote, which is not read again: with more than it needs,
 * memory grows with the data and nothing is faster (measured: 5,000,000 rows took 480 MB where 310 MB suffice). What
 * tables need beside this is added when they are begun (destinations/duckdb/memory-room).
 */
const LOAD_MEMORY_BYTES = 24_000_000;
/** A lake's rows are in DuckDB's memory as long as their file is being written, of 32 MB of text and more. */
const LAKE_MEMORY_BYTES = 256_000_000;
/** The hash table of a comparison of keys; beyond that it spills to a folder beside the warehouse. */
const MEMORY_SHARE = 0.25;
const MIN_MEMORY_BYTES = 128_000_000;
const MAX_MEMORY_BYTES = 256_000_000;

function createDuckDb(settings: DestinationSettings, availableBytes: number, logger: Logger): Destination {
  return new DuckDbDestination({ ...writing(settings, availableBytes, logger), path: settings.warehousePath });
}

function createDuckLake(settings: DestinationSettings, availableBytes: number, logger: Logger): Destination {
  return new DuckLakeDestination(lakeOptions(settings, availableBytes, logger));
}

function lakeOptions(settings: DestinationSettings, availableBytes: number, logger: Logger) {
  return {
    ...writing(settings, availableBytes, logger),
    ...lakePlace(settings),
    memoryBytes: LAKE_MEMORY_BYTES,
    availableBytes: Number.isFinite(availableBytes) ? availableBytes : 0,
  };
}

function writing(settings: DestinationSettings, availableBytes: number, logger: Logger) {
  const columnDecoder = nativeColumnDecoder();
  const wanted = Number.isFinite(availableBytes) ? availableBytes * MEMORY_SHARE : MIN_MEMORY_BYTES;
  return {
    schema: settings.destinationSchema,
    memoryBytes: LOAD_MEMORY_BYTES,
    comparisonBytes: Math.min(Math.max(wanted, MIN_MEMORY_BYTES), MAX_MEMORY_BYTES),
    // Batches are inserted one after the other: with more threads, one works and the others spin (measured:
    // a fifth more CPU time on two cores, and no less time).
    threads: 1,
    logger,
    ...(columnDecoder === undefined ? {} : { columnDecoder }),
    ...(settings.typeMode === 'python' ? { secondsType: 'FLOAT' as const } : {}),
  };
}

function lakePlace({
  lakeCatalog,
  lakeDataPath,
  lakeExtensions,
}: Pick<DestinationSettings, 'lakeCatalog' | 'lakeDataPath' | 'lakeExtensions'>): LakePlace {
  return { catalog: lakeCatalog, dataPath: lakeDataPath, extensions: lakeExtensions };
}
