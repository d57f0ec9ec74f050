/** The interface through which a load in parts is written; a destination that only one process may open has none. */
import type { BlockBounds, PartsStatus } from '../model/parts';
import type { TableState } from '../model/sync-state';
import type { Destination, DestinationTable } from './destination';

/** What is done to the load of one table, `schema.table` of the source. */
export type PartsWork =
  /** A load is begun, whose blocks `cut` divides. */
  | { readonly kind: 'begin'; readonly table: string; readonly cut: (state: TableState) => readonly BlockBounds[] }
  /**
   * The rows of a part are added: `open` returns the state of a load of which it is pending. `apart`: to a table of its own.
   */
  | {
      readonly kind: 'load';
      readonly table: string;
      readonly load: string;
      readonly number: number;
      readonly apart: boolean;
    }
  /** Nothing but what `adopt` does. */
  | { readonly kind: 'finish'; readonly table: string };

/**
 * A commit with a state of the table begins the load, or ends the part with its rows, in one transaction. It rejects as
 * retryable where another process has done the same meanwhile.
 */
export interface PartsDestination extends Destination {
  /** The load as it is now; undefined where there is none. */
  readParts(): Promise<PartsStatus | undefined>;
  /** Whether no other sync has committed anything of the table since the load began. */
  isCurrent(load: PartsStatus): boolean;
  /** Drops the load, with the next commit. */
  dropParts(load: PartsStatus): Promise<void>;
  /** Makes a load whose parts are all there the table's own load, which the next sync ends; commits it. */
  adopt(load: PartsStatus, table: DestinationTable): Promise<void>;
}

/** The code of an error which says that the load of a part is not the table's load any more. */
export const PART_SUPERSEDED = 'part_superseded';

/** The code of an error which says that the rows of a part need other types than those of the load: it is to be loaded apart. */
export const PART_APART = 'part_apart';
