/**
 * What is committed, per table. The entries travel with the data: a destination makes both durable in one transaction,
 * or neither.
 */
import type { TidRange } from './tid-range';

export const STATE_VERSION = 1;

/**
 * How a table's changes are found.
 * full: everything is read each time. timestamp: rows at or after the watermark of a replication key.
 * xmin: rows whose inserting transaction is at or after the last snapshot's xmin. log: rows whose keys the write-ahead
 * log names.
 */
export type SyncMode = 'full' | 'timestamp' | 'xmin' | 'log';

/** A full load that has begun and not ended, with all that is needed to resume it. */
export interface LoadProgress {
  /** ISO time; the `sync_timestamp` of every row of the load. */
  readonly startedAt: string;
  /** Columns and keys as they were; another signature cannot go on with this load. */
  readonly signature: string;
  /** Where it was read from; see `SourceIdentity`. */
  readonly source: string;
  /** pg_snapshot_xmin of the load's first snapshot, 64 bits in decimal. */
  readonly firstXmin: string;
  /** Where the next timestamp pass begins, as of the load's start; null without a replication key. */
  readonly watermark: string | null;
  /** Snapshots used so far; with more than one, the load ends with a catch-up pass. */
  readonly snapshots: number;
  readonly rows: number;
  /**
   * A set of keys that contains the key of every row sent so far; null: one may have gone since. Missing where they are
   * not remembered; see engine/passes/kept-keys.
   */
  readonly keys?: KeyMark | null;
  readonly relations: readonly RelationProgress[];
}

/** The keys of a table under a snapshot. */
export interface KeyMark {
  /** pg_snapshot_xmin of that snapshot, 64 bits in decimal. */
  readonly xmin: string;
  readonly rows: number;
  /** Sum of the hashes of the keys. */
  readonly hash: string;
}

/** A relation as it was read: another file node means that its rows have moved. */
export interface RelationMark {
  readonly oid: number;
  /** pg_relation_filenode */
  readonly fileNode: string;
  /** Rows ever deleted, by the server's statistics: a hint only. Missing: it does not say. */
  readonly deletes?: string;
}

export interface RelationProgress extends RelationMark {
  readonly pending: readonly TidRange[];
}

/**
 * `place` and `madeOf` as in ColumnSchema; `labels` is how many of the type's enum labels were there, since one
 * more changes nothing about the rows.
 */
export type ColumnShape = readonly [name: string, declaredType: string, place: number, madeOf: string, labels: number];

/** What a table looked like, to find out what has changed about it. */
export interface TableShape {
  readonly oid: number;
  readonly columns: readonly ColumnShape[];
  /** Columns that were not selected. Missing: all were. */
  readonly left?: readonly string[];
  /** Columns under a rule, with what it does; a hash with its key's identity. Missing: none. */
  readonly rules?: readonly (readonly [name: string, rule: string])[];
}

/** What the last pass that had anything to write found. */
export interface Found {
  /** ISO time at which the pass began. */
  readonly at: string;
  /** Rows that it read, or that had changed. */
  readonly changed: number;
  /** Rows that it marked deleted. */
  readonly deleted: number;
}

/** A place in the log of a database, and who keeps the log from there on. */
export interface LogPosition {
  /** Name of the replication slot. */
  readonly slot: string;
  /** pg_lsn */
  readonly position: string;
}

/**
 * The table has every change that was committed before `position` (pg_lsn). So it has those up to the position of the
 * database (`DatabaseState`), where that is further on.
 */
export interface TableLogState {
  readonly position: string;
  /** Digest of what decides which of its rows the log names; with another one, some may have been left out. */
  readonly identity: string;
}

/** What the comparisons within syncs have found (`verify_every`). */
export interface ProofMark {
  /** ISO time of the last proof that the table is equal to its source; null where there is none that still holds. */
  readonly provenAt: string | null;
  /** ISO time of the last comparison; it may have proven nothing. */
  readonly triedAt: string;
  /** The copy was found to differ: the next pass loads the table in full. */
  readonly differs?: true;
}

export interface TableState {
  /** Name in the destination; it belongs to this table alone. */
  readonly destinationTable: string;
  /** Mode of the last complete pass. */
  readonly mode: SyncMode;
  /** Destination names of the key's columns, as of the last complete pass. */
  readonly primaryKey: readonly string[];
  /** ISO time at which the last complete pass began; null before the first has ended. */
  readonly lastSyncedAt: string | null;
  /** Rows in the destination after the last complete pass, those marked deleted not counted. */
  readonly rows: number;
  readonly signature: string | null;
  readonly shape: TableShape | null;
  /** A digest of the rows of a table without a key, as they were loaded. Missing: it has a key, or none was made. */
  readonly content?: string;
  /** Digest of what the metadata tables say of the table; null or missing in states that an older version wrote. */
  readonly description?: string | null;
  readonly source: string | null;
  readonly relations: readonly RelationMark[];
  /** pg_snapshot_xmin of the first snapshot of the last complete pass that was not by the update column alone. */
  readonly xmin: string | null;
  /**
   * The transaction from which on changes were looked for by an update column alone, which does not show all of them. Missing:
   * `xmin`, from which on none was looked for.
   */
  readonly unseenSince?: string;
  /** The replication key that the watermark is of; null in other modes. */
  readonly replicationKey: string | null;
  readonly watermark: string | null;
  /** How far the log is known of the table; null or missing: not at all, in other modes too. */
  readonly log?: TableLogState | null;
  /** Passes since deleted rows were last looked for. */
  readonly passesSinceReconcile: number;
  /** Missing in states of before it was remembered. */
  readonly found?: Found;
  /** Missing where no sync has compared the table with its source yet. */
  readonly proof?: ProofMark;
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
