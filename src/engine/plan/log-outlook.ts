/** What the log of the source can tell in this sync: of which tables, and from where on. */
import type { LogPosition, TableState } from '../../model/sync-state';
import { latest, parseLsn } from '../../postgres/log';

export interface LogOutlook {
  readonly slotName: string;
  readonly publicationName: string;
  /** Where the slot stands: what was committed before has left it. */
  readonly confirmed: string;
  /** Oldest transaction that ran when `tables` was asked about, 64 bits in decimal. */
  readonly xmin: string;
  /** The bytes of log that it keeps from being removed. */
  readonly retainedBytes: number;
  /** How far the destination knows the log of all its tables. */
  readonly reached: LogPosition | undefined;
  /** By oid. */
  readonly tables: ReadonlyMap<number, LoggedAs>;
}

/** How the log names a table. */
export interface LoggedAs {
  /** See `TableLogState`. */
  readonly identity: string;
  /** Its own oid, and those of its partitions. */
  readonly oids: readonly number[];
  /** A change carries the whole row as it was (REPLICA IDENTITY FULL). */
  readonly wholeRows: boolean;
}

/** Where the log must be read from for the table; undefined where nothing is known of it. */
export function knownUntil(state: TableState | null, reached: LogPosition | undefined): string | undefined {
  if (state?.log == null) return undefined;
  return reached === undefined ? state.log.position : latest(state.log.position, reached.position);
}

/**
 * Whether everything that the table lacks is still in the slot. `lost`: it was known up to a position from which the slot
 * has moved on. `unknown`: nothing was known of it, or the log may have left out some of its rows in between.
 */
export function logReach(
  state: TableState | null,
  logged: LoggedAs | undefined,
  outlook: LogOutlook | undefined,
): 'reaches' | 'lost' | 'unknown' {
  if (logged === undefined || outlook === undefined || state?.log?.identity !== logged.identity) return 'unknown';
  const since = knownUntil(state, outlook.reached);
  return since !== undefined && parseLsn(since) >= parseLsn(outlook.confirmed) ? 'reaches' : 'lost';
}
