/**
 * What is known to be committed, per table. The entries travel with the data: a destination makes both
 * durable in one transaction, or neither.
 */
import type { TidRange } from './tid-range';

export const STATE_VERSION = 1;

/** A full load that has begun and not ended: enough to go on with it. */
export interface LoadProgress {
  /** ISO time; the `sync_timestamp` of every row of the load. */
  readonly startedAt: string;
  /** Columns and keys as they were; another signature cannot go on with this load. */
  readonly signature: string;
  /** pg_snapshot_xmin of the load's first snapshot, 64 bits in decimal. */
  readonly firstXmin: string;
  /** Snapshots used so far; with more than one, the load ends with a catch-up pass. */
  readonly snapshots: number;
  readonly rows: number;
  readonly relations: readonly RelationProgress[];
}

export interface RelationProgress {
  readonly oid: number;
  /** pg_relation_filenode: rows have moved when it is another. */
  readonly fileNode: string;
  readonly pending: readonly TidRange[];
}

export interface TableState {
  /** Name in the destination; it belongs to this table alone. */
  readonly destinationTable: string;
  readonly mode: 'full';
  /** Destination names of the key's columns, as of the last complete pass. */
  readonly primaryKey: readonly string[];
  /** ISO time at which the last complete pass began; null before the first has ended. */
  readonly lastSyncedAt: string | null;
  /** Rows of the last complete pass. */
  readonly rows: number;
  /** pg_snapshot_xmin of the last complete pass. */
  readonly xmin: string | null;
  readonly load: LoadProgress | null;
}

/** By `schema.table`. */
export type TableStates = ReadonlyMap<string, TableState>;

/** The state as JSON: what files/state.json holds, and what a gRPC checkpoint carries. */
export interface StateDocument {
  readonly version: typeof STATE_VERSION;
  readonly last_updated_at: string;
  readonly tables: Readonly<Record<string, TableState>>;
}
