/**
 * What the commands beside `sync` ask of a destination that keeps rows: plan, check, status, verify, forget, reset, query
 * and tables.
 *
 * It is separate from `Destination` because nothing is being written: each call opens what is kept and closes it again.
 * Each interface here is what one command needs, and `WarehouseAccess` is all of them. A destination that cannot do one
 * of them rejects with a ConnectorError that says so.
 */
import type { ConnectorError } from '../common/errors';
import type { Origin } from '../model/origin';
import type { RunRecord } from '../model/run-record';
import type { LogPosition, TableStates } from '../model/sync-state';
import type { StoredTables } from './stored-table';
import type { WarehouseReader } from './warehouse-reader';

export interface WarehouseContents {
  readonly bytes: number;
  /** Those of the schema that the settings name. */
  readonly states: TableStates;
  readonly origin: Origin | undefined;
  /** How far it knows the log of its source; undefined where mode log was never used. */
  readonly logPosition: LogPosition | undefined;
  /** The newest first. */
  readonly runs: readonly RunRecord[];
}

/** For plan, check and status, and before every other look. */
export interface ContentsReader {
  /**
   * Reads what was committed last, with the last `runs`; undefined where there is no warehouse yet. Rejects with code
   * `warehouse_locked` while a sync has it open.
   */
  readContents(runs: number): Promise<WarehouseContents | undefined>;
}

export interface TablesToForget {
  readonly keys: readonly string[];
  readonly states: TableStates;
  /** The tables themselves are dropped as well. */
  readonly drop: boolean;
}

/** For forget. */
export interface TableForgetter {
  /** Forgets all of the tables or none. Rejects with code `warehouse_locked` where a process has the warehouse. */
  forgetTables(tables: TablesToForget): Promise<void>;
}

export interface OwnFiles {
  /** In the order in which they are deleted. */
  readonly files: readonly string[];
  /** What lies among them and is not known, one sentence each. */
  readonly kept: readonly string[];
}

/** For reset. */
export interface FileOwner {
  /**
   * Keeps every sync out until the result is closed. Rejects with code `warehouse_locked` where a process has the
   * warehouse, and with another code where the file is no warehouse of ours.
   */
  lock(): Promise<{ close(): Promise<void> }>;
  /** Lists the files that are ours alone, the state file included. */
  ownFiles(statePath: string): OwnFiles;
}

export interface ComparableWarehouse extends StoredTables {
  close(): Promise<void>;
}

/** For verify. */
export interface WarehouseComparer {
  /** Opens the warehouse for reading. */
  openToCompare(): Promise<ComparableWarehouse>;
}

export interface MaintenanceOptions {
  /** Older snapshots are forgotten. */
  readonly retentionHours: number;
  readonly now: Date;
  readonly signal: AbortSignal;
}

export interface RewrittenTable {
  /** `schema.table` of the warehouse. */
  readonly table: string;
  /** How many files were rewritten, as how many. */
  readonly files: number;
  readonly into: number;
  /** The bytes of the old files. */
  readonly bytes: number;
  readonly rows: number;
}

export interface FreedFiles {
  readonly files: number;
  /** undefined in an object store. */
  readonly bytes: number | undefined;
}

export interface DamagedTable {
  /** Its name in the lake, with its schema. */
  readonly table: string;
  readonly error: ConnectorError;
}

export interface Maintenance {
  readonly rewritten: readonly RewrittenTable[];
  /** Tables that another process kept changing. */
  readonly busy: readonly string[];
  /** Tables that lack a file. */
  readonly damaged: readonly DamagedTable[];
  readonly expiredSnapshots: number;
  readonly oldestSnapshot: number;
  readonly deleted: FreedFiles;
  /** Deleted as well: what transactions left that did not come to their end. */
  readonly orphaned: FreedFiles;
  /** Files in the lake's place that no snapshot has, and that may be somebody else's; then no such file is deleted. */
  readonly foreignFiles: readonly string[];
  /** Files that nothing needs any more, and that a transaction under way may still read. */
  readonly waitingFiles: number;
  readonly graceHours: number;
}

/** For maintain. */
export interface Maintainer {
  /** Gives back room. */
  maintain(options: MaintenanceOptions): Promise<Maintenance>;
}

export interface PublishOptions {
  readonly folder: string;
  /** How many copies stay there. */
  readonly keep: number;
  readonly now: Date;
}

/** For copies that others read. */
export interface Publisher {
  /** Copies the warehouse, which is closed; returns the copy's path. */
  publish(options: PublishOptions): Promise<string>;
  /** Paths of the copies, the newest first. */
  published(folder: string): readonly string[];
}

/** For query and tables. */
export interface WarehouseQuerier {
  /** Opens the warehouse for reading; undefined where there is none yet. Rejects as `readContents` does. */
  openReader(): Promise<WarehouseReader | undefined>;
}

export interface WarehouseAccess
  extends
    ContentsReader,
    TableForgetter,
    FileOwner,
    WarehouseComparer,
    WarehouseQuerier,
    Partial<Maintainer>,
    Partial<Publisher> {}
