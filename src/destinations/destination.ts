/** The interface both edges write through. Calls come one at a time, in order, from one writer. */
import type { ColumnType } from '../model/column-type';
import type { Origin } from '../model/origin';
import type { GroupCounts, KeyGroups } from '../model/key-groups';
import type { PackedBatch } from '../model/packed-batch';
import type { RunRecord } from '../model/run-record';
import type { TableState, TableStates } from '../model/sync-state';

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
}

export interface Destination {
  /**
   * False where it cannot tell which of its rows have none of the collected keys (`markMissing`): deleted
   * rows are then found by loading the table in full.
   */
  readonly comparesKeys?: boolean;
  /**
   * True where a load takes the rows of before away as soon as it begins, and what was written stays written: a state
   * that says so must be committed before, and commits must come often, since they are all that is kept of a cut.
   */
  readonly loadsInPlace?: boolean;
  /** About the size of what a commit writes besides the rows, where that is worth thinking of. */
  readonly commitBytes?: number;
  /**
   * Whether batches of the table for `write` and `writeChanges` may have columns of digits (model/binary-values).
   * Missing: no.
   */
  takesBinary?(table: DestinationTable): boolean;
  /** Opens and locks; returns what was committed last. */
  open(): Promise<TableStates>;
  /** Of tables that were synced and are gone from the destination, by key: where they were. Known once it is open. */
  readonly tablesGone?: ReadonlyMap<string, { readonly schema: string; readonly name: string }>;
  /** Removes everything that is remembered of a table, with the next commit. */
  forget?(key: string): Promise<void>;
  /**
   * A full load: rows gather beside the table and take its place in `finishLoad`. With `resume`, rows of an
   * earlier, committed part of the same load are kept.
   */
  beginLoad(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void>;
  /** Adds a batch to the load; it may wait there for more. */
  write(table: DestinationTable, batch: PackedBatch): Promise<void>;
  /** Adds a batch of newer versions: each replaces all rows of the load with its key. */
  writeLatest(table: DestinationTable, batch: PackedBatch): Promise<void>;
  /** Begins a collection of keys; those of an attempt that failed are forgotten. */
  beginKeys(table: DestinationTable): Promise<void>;
  /** Collects the keys that exist (columns: the primary key, in its order), for `keepOnlyKeys` and `markMissing`. */
  collectKeys(table: DestinationTable, keys: PackedBatch): Promise<void>;
  /** Drops from the load what has none of the collected keys. Returns how many rows went. */
  keepOnlyKeys(table: DestinationTable): Promise<number>;
  /** The load takes the table's place; rows of the table that the load lacks are kept, marked deleted. */
  finishLoad(table: DestinationTable): Promise<FinishedLoad>;
  /** Forgets a load. */
  abandonLoad(table: DestinationTable): Promise<void>;
  /**
   * A pass over changes: batches are upserted by key into the table itself. A pass may be begun again after
   * a failure: what it had applied is applied once more, to the same effect.
   */
  beginChanges(table: DestinationTable, stamp: LoadStamp): Promise<void>;
  /** Adds new versions of rows; visible in the table after `applyChanges`. Later versions win. */
  writeChanges(table: DestinationTable, batch: PackedBatch): Promise<void>;
  applyChanges(table: DestinationTable): Promise<void>;
  /**
   * Marks rows deleted that have none of the collected keys, and un-marks those that have one. With `within`, only the
   * keys of these groups were collected, and other rows stay as they are.
   */
  markMissing(table: DestinationTable, within?: KeyGroups & { readonly groups: readonly number[] }): Promise<number>;
  /**
   * Counts the rows that are not marked deleted by groups of a key column of whole numbers; undefined where the column
   * holds other values. Missing: all keys are compared.
   */
  countGroups?(
    table: DestinationTable,
    column: string,
  ): Promise<{ readonly groups: KeyGroups; readonly counts: GroupCounts } | undefined>;
  /**
   * How many rows each of the tables holds that are not marked deleted, changes applied. Missing: the destination cannot
   * count, and nothing is proven by counts.
   */
  countRows?(tables: readonly DestinationTable[]): Promise<readonly number[]>;
  /** Ends the pass, its changes applied. */
  finishChanges(table: DestinationTable): Promise<FinishedLoad>;
  /** Which database fills its schema; undefined where none does yet. Missing: nobody else could. */
  origin?(): Promise<Origin | undefined>;
  /** To be committed with what is written first. */
  putOrigin?(origin: Origin): Promise<void>;
  /** Adds rows to a table that only grows, creating it first. */
  append(table: DestinationTable, batch: PackedBatch, stamp: LoadStamp): Promise<void>;
  /**
   * Writes what still waits for more batches of the table. `commit` does that for all, but an error of its own costs
   * more than the table.
   */
  flush?(table: DestinationTable): Promise<void>;
  /** To be committed with the data written so far; null removes the entry. */
  putState(key: string, state: TableState | null): Promise<void>;
  commit(): Promise<void>;
  /** Back to the last commit. */
  rollback(): Promise<void>;
  /** Remembers how a sync went, in a transaction of its own; what was not committed before is dropped. */
  recordRun?(run: RunRecord): Promise<void>;
  /** May be called twice; what was not committed is dropped. */
  close(): Promise<void>;
}
