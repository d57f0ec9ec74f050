/**
 * What the settings alone say about a destination: where its rows go, and whether they stay there. This file loads
 * no destination, since commands ask before they open one.
 */
import type { DestinationName } from '../model/destination-name';
import { catalogFile, isRemote, shownCatalog } from './lake-names';

/** The part of the settings that names the place; structural, so that this layer does not import the settings. */
export interface PlaceSettings {
  readonly destination: DestinationName;
  readonly warehousePath: string;
  readonly lakeCatalog: string;
  readonly lakeDataPath: string | undefined;
  readonly statePath: string;
}

interface Place {
  /** False where rows are discarded, or sent on. */
  readonly keepsRows: boolean;
  /** What people call the place; undefined where rows go nowhere. */
  readonly of: (settings: PlaceSettings) => string | undefined;
  /** The file that a sync writes or makes; undefined where it is no file of this host. */
  readonly file: (settings: PlaceSettings) => string | undefined;
  /** A path on the disk that grows. */
  readonly disk: (settings: PlaceSettings) => string;
}

const PLACES: Readonly<Record<DestinationName, Place>> = {
  duckdb: {
    keepsRows: true,
    of: ({ warehousePath }) => warehousePath,
    file: ({ warehousePath }) => warehousePath,
    disk: ({ warehousePath }) => warehousePath,
  },
  ducklake: {
    keepsRows: true,
    of: ({ lakeCatalog }) => shownCatalog(lakeCatalog),
    file: ({ lakeCatalog }) => catalogFile(lakeCatalog),
    disk: ({ lakeCatalog, lakeDataPath, statePath }) =>
      lakeDataPath !== undefined && !isRemote(lakeDataPath) ? lakeDataPath : (catalogFile(lakeCatalog) ?? statePath),
  },
  null: { keepsRows: false, of: () => undefined, file: () => undefined, disk: ({ warehousePath }) => warehousePath },
};

/** Whether rows and states stay anywhere. */
export function keepsRows({ destination }: Pick<PlaceSettings, 'destination'>): boolean {
  return PLACES[destination].keepsRows;
}

/** Where rows go, for people; undefined where they go nowhere. */
export function placeOf(settings: PlaceSettings): string | undefined {
  return PLACES[settings.destination].of(settings);
}

/** The file that a sync writes, or makes; undefined where it writes none of this host. */
export function fileOf(settings: PlaceSettings): string | undefined {
  return PLACES[settings.destination].file(settings);
}

/** A path on the disk that a sync fills. */
export function diskOf(settings: PlaceSettings): string {
  return PLACES[settings.destination].disk(settings);
}
