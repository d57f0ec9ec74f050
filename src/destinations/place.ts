/**
 * What the settings alone say about a destination: where its rows go, and whether they stay there. This file loads
 * no destination, since commands ask before they open one.
 */
import type { DestinationName } from '../model/destination-name';

/** The part of the settings that names the place; structural, so that this layer does not import the settings. */
export interface PlaceSettings {
  readonly destination: DestinationName;
  readonly warehousePath: string;
  readonly lakeCatalog: string;
}

interface Place {
  /** False where rows are discarded, or sent on. */
  readonly keepsRows: boolean;
  /** What people call the place; undefined where rows go nowhere. */
  readonly of: (settings: PlaceSettings) => string | undefined;
}

const PLACES: Readonly<Record<DestinationName, Place>> = {
  duckdb: { keepsRows: true, of: ({ warehousePath }) => warehousePath },
  ducklake: { keepsRows: true, of: ({ lakeCatalog }) => shownCatalog(lakeCatalog) },
  null: { keepsRows: false, of: () => undefined },
};

/** A lake's catalog without a password, for people. */
export function shownCatalog(catalog: string): string {
  return catalog
    .replace(/(\bpassword\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)/gi, '$1***')
    .replace(/^([a-z]+:\/\/[^:/@]*:)[^@]*@/i, '$1***@');
}

/** Whether rows and states stay anywhere. */
export function keepsRows({ destination }: Pick<PlaceSettings, 'destination'>): boolean {
  return PLACES[destination].keepsRows;
}

/** Where rows go, for people; undefined where they go nowhere. */
export function placeOf(settings: PlaceSettings): string | undefined {
  return PLACES[settings.destination].of(settings);
}
