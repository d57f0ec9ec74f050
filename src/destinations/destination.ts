/**
 * The interface that the engine writes through: a small core, and capabilities beside it.
 *
 * This is its contract.
 *
 * - Order. Calls come one at a time, from one writer, and each is awaited. `open` is the first and `close` the last. A
 *   load lasts from `beginLoad` to `finishLoad` or `abandonLoad`, a pass over changes from `beginChanges` to
 *   `finishChanges`. A table has one of them at a time; those of several tables may be open together.
 * - Durability. `commit` promises that everything written since the last commit, rows and states alike, outlives the
 *   process. Of a process that ends before, nothing of it counts: `open` returns the states of the last commit. The rows
 *   of a load that is open are committed as well, so that a later sync can go on with it. A commit that fails ends the
 *   sync; then either all of it was kept or nothing.
 * - Rollback. `rollback` goes back to the last commit, forgets the states put since, and closes every load and pass.
 *   Their tables begin again: a load that was committed in part is resumed.
 * - Idempotence. What follows the last commit is written once more after a crash or a rollback, to the same effect.
 *   `applyChanges`, `markDeleted`, `abandonLoad`, `putState`, `putOrigin`, `putLogPosition`, `commit`, `rollback` and
 *   `close` may be repeated: the second call adds nothing. `beginKeys` and `beginChanges` start over. A batch of `write` is repeated only after a rollback,
 *   since rows without a key would be there twice.
 * - Errors. One of kind `source` is about the table that was written: the writer rolls back, and the table may be tried
 *   again. Any other error means that the destination is of no further use, and ends the sync.
 *
 * A destination that cannot take back what it was sent (`loadsInPlace`) promises less: rows since the last commit may
 * stay, but no state claims rows that it does not hold.
 */
import type { ColumnType } from '../model/column-type';
import type { Origin } from '../model/origin';
import type { GroupCounts, KeyGroups } from '../model/key-groups';
import type { PackedBatch } from '../model/packed-batch';
import type { RunRecord } from '../model/run-record';
import type { LogPosition, TableState, TableStates } from '../model/sync-state';
import type { StoredTables } from './stored-table';

/** The code of an error which says that the table was altered in the destination, and must be loaded anew. */
export const COPY_ALTERED = 'copy_altered';

export interface DestinationColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** A table as the destination holds it; the columns are the batch's, in its order, without the added ones. */
export interface DestinationTable {
  /** `schema.table` of the source, for messages. */
  readonly key: string;
  readonly name: string;
  readonly columns: readonly DestinationColumn[];
  /** Names of key columns; empty: rows are identified by their content (`_fivetran_id`). */
  readonly primaryKey: readonly string[];
  /** A transformation rewrites the key, so the source's promise of uniqueness is void. */
  readonly keysMayRepeat: boolean;
  /** False where the key is another than before: old rows cannot be matched, and are dropped. */
  readonly keepDeletedRows: boolean;
}

/** The moment that every row of a load carries. */
export interface LoadStamp {
  readonly startedAt: Date;
  /** Type of `sync_timestamp` where it is not DOUBLE. */
  readonly secondsType?: 'FLOAT';
}

export interface FinishedLoad {
  /** Rows the table holds now, without those marked deleted. */
  readonly rows: number;
  /** Rows that this load marked deleted. */
  readonly deleted: number;
  /** The sum of the rows' digests, after a load of a table without a key (postgres/checksum/content-query). */
  readonly content?: string;
}

/** The beginning, the end, and what counts in between. */
export interface Lifecycle {
  /** Opens and locks; returns what was committed last. */
  open(): Promise<TableStates>;
  /** Tables that were synced and are gone from the destination, by key, with where they were. Known once it is open. */
  readonly tablesGone?: ReadonlyMap<string, { readonly schema: string; readonly name: string }>;
  commit(): Promise<void>;
  /** About how many bytes a commit writes besides the rows. Missing where that is negligible. */
  readonly commitBytes?: number;
  /**
   * Where others read what is committed: the tables, by key, of which a commit now would show them half of a pass over
   * changes. The engine then commits later, and takes back an attempt that failed. Missing: nobody reads meanwhile.
   */
  readonly halfDone?: ReadonlySet<string>;
  /** Rows and the end of the work are committed at once, with no commit in between. Missing: a commit may come at any time. */
  readonly commitsOnce?: true;
  /** Goes back to the last commit. */
  rollback(): Promise<void>;
  /**
   * Writes the batches of the table that still wait for more. `commit` does that for all tables, but an error there
   * costs more than one table.
   */
  flush?(table: DestinationTable): Promise<void>;
  /** Drops what was not committed. */
  close(): Promise<void>;
}

/** A full load: rows gather beside the table and take its place in `finishLoad`. */
export interface LoadWriter {
  /**
   * True where a load removes the earlier rows as soon as it begins, and written rows cannot be taken back. A state
   * that says so must be committed before. Commits must come often, because an interrupted load keeps nothing else.
   */
  readonly loadsInPlace?: boolean;
  /**
   * Whether batches of the table for `write` and `writeChanges` may have columns of digits (model/binary-values).
   * Missing: no.
   */
  takesBinary?(table: DestinationTable): boolean;
  /** With `resume`, rows of an earlier, committed part of the same load are kept. */
  beginLoad(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void>;
  /** Adds a batch to the load; it may wait there for more. */
  write(table: DestinationTable, batch: PackedBatch): Promise<void>;
  /** Adds a batch of newer versions: each replaces all rows of the load with its key. */
  writeLatest(table: DestinationTable, batch: PackedBatch): Promise<void>;
  /** Puts the load in the table's place. Rows of the table that the load lacks are kept and marked deleted. */
  finishLoad(table: DestinationTable): Promise<FinishedLoad>;
  /** Drops a load. */
  abandonLoad(table: DestinationTable): Promise<void>;
}

/** A pass over changes: batches are upserted by key into the table itself. */
export interface ChangesWriter {
  /** A pass may be begun again after a failure: what it had applied is applied once more, to the same effect. */
  beginChanges(table: DestinationTable, stamp: LoadStamp): Promise<void>;
  /** Adds new versions of rows; visible in the table after `applyChanges`. Later versions win. */
  writeChanges(table: DestinationTable, batch: PackedBatch): Promise<void>;
  applyChanges(table: DestinationTable): Promise<void>;
  /** Ends the pass, its changes applied. */
  finishChanges(table: DestinationTable): Promise<FinishedLoad>;
}

/** Tables that only grow, such as those that describe the source. */
export interface RowAppender {
  /** Adds rows to the table, creating it first. */
  append(table: DestinationTable, batch: PackedBatch, stamp: LoadStamp): Promise<void>;
}

/** Finds the rows that are gone from the source, from the keys that still exist there. */
export interface KeyComparer {
  /**
   * False where it cannot tell which of its rows have none of the collected keys (`markMissing`). Deleted rows are then
   * found by loading the table in full.
   */
  readonly comparesKeys?: boolean;
  /** Begins a collection of keys; those of an attempt that failed are forgotten. */
  beginKeys(table: DestinationTable): Promise<void>;
  /** Collects the keys that exist (columns: the primary key, in its order), for `keepOnlyKeys` and `markMissing`. */
  collectKeys(table: DestinationTable, keys: PackedBatch): Promise<void>;
  /** Drops the rows of the load that have none of the collected keys. Returns how many it dropped. */
  keepOnlyKeys(table: DestinationTable): Promise<number>;
  /**
   * Marks rows deleted that have none of the collected keys, and un-marks those that have one. With `within`, only the
   * keys of these groups were collected, and other rows stay as they are. Returns how many rows it newly marked deleted.
   */
  markMissing(table: DestinationTable, within?: KeyGroups & { readonly groups: readonly number[] }): Promise<number>;
}

/** Deletes rows by their keys, which the log names. */
export interface KeyedDeletes {
  /**
   * Marks rows deleted that have one of these keys (columns: the primary key, in its order), before changes that are
   * written later. Returns how many rows it newly marked; where that cannot be known, how many keys there were.
   */
  markDeleted(table: DestinationTable, keys: readonly PackedBatch[]): Promise<number>;
}

/** A destination without it proves nothing by counts, so all keys are compared. */
export interface RowCounter {
  /** Whether rows stay as counted until this sync changes them, because nobody else can write. */
  readonly countsStay?: boolean;
  /**
   * Counts the rows of each table that are not marked deleted, changes applied. NaN: it was altered so that none can be
   * counted, or, of several, it lacks what others have. One alone rejects then, with an error `ofTable`.
   */
  countRows(tables: readonly DestinationTable[]): Promise<readonly number[]>;
  /**
   * Counts the rows that are not marked deleted by groups of a key column of whole numbers; undefined where the column
   * holds other values.
   */
  countGroups(
    table: DestinationTable,
    column: string,
  ): Promise<{ readonly groups: KeyGroups; readonly counts: GroupCounts } | undefined>;
}

/** Keeps the state of each table; `open` returns it. */
export interface StateStore {
  /** To be committed with the data written so far; null removes the entry. */
  putState(key: string, state: TableState | null): Promise<void>;
  /** Removes all that is kept about a table, with the next commit. */
  forget?(key: string): Promise<void>;
}

/**
 * Keeps the state of the source database as a whole. A destination without it cannot tell that another database fills the
 * same schema, and cannot follow the log.
 */
export interface DatabaseState {
  /** Which database fills its schema; undefined where none does yet. */
  origin(): Promise<Origin | undefined>;
  /** Committed with the first data that is written. */
  putOrigin(origin: Origin): Promise<void>;
}

/** Where it is missing, tables are called as they always were. */
export interface TableRenamer {
  /** Gives the table of the source's table `key`, and a load that is under way, another name, with the next commit. */
  renameTable(key: string, from: string, to: string): Promise<void>;
}

/** How far the log of the source is known of all tables of mode log; of single ones further on, as their states say. */
export interface LogPositions {
  logPosition(): Promise<LogPosition | undefined>;
  /** To be committed with what is written before. */
  putLogPosition(position: LogPosition): Promise<void>;
}

/** Keeps a history of syncs. */
export interface RunHistory {
  /**
   * In a transaction of its own; what was not committed before is dropped. A run that found nothing new may be left out
   * where the one before went well not long ago.
   */
  recordRun(run: RunRecord): Promise<void>;
}

/** Lets its tables be compared with their sources while it is open, between two commits. */
export interface TableComparer {
  readonly storedTables: StoredTables;
}

/** What every destination does. */
export interface CoreDestination
  extends Lifecycle, LoadWriter, ChangesWriter, RowAppender, KeyComparer, KeyedDeletes, StateStore {}

/** The capabilities that only some destinations have: each of these methods may be missing. */
export interface Destination
  extends
    CoreDestination,
    Partial<RowCounter>,
    Partial<DatabaseState>,
    Partial<TableRenamer>,
    Partial<LogPositions>,
    Partial<RunHistory>,
    Partial<TableComparer> {}
