import type { SlotWal } from './slot-wal';
import type { PlannedTable, SyncPlan } from './plan';
import type { Pressure } from './resources';
import type { ConnectorError } from '../common/errors';

/** Counts as `fivetran debug` shows them at its end. */
export interface OperationCounts {
  upserts: number;
  updates: number;
  deletes: number;
  truncates: number;
  schemaChanges: number;
  checkpoints: number;
}

export interface TableReport {
  /** `schema.table` */
  readonly key: string;
  readonly destinationTable: string;
  /** Rows that were read and written. */
  readonly rows: number;
  /** Rows that were newly marked deleted. */
  readonly deleted?: number;
  /** How its changes were looked for; undefined where that was not decided. */
  readonly mode?: string;
  /** Proven equal to the source without being read. */
  readonly unchanged?: true;
  readonly seconds: number;
  readonly error?: ConnectorError;
}

export interface SyncReport {
  readonly tables: readonly TableReport[];
  readonly operations: OperationCounts;
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** One statement of a connection; times on the clock of performance.now(). */
export interface StatementEvent {
  /** Process of the server that the connection belongs to; 0 while it is being opened. */
  readonly backendPid: number;
  /** Completes "while …": `reading public.orders`. */
  readonly doing: string;
  /** `schema.name` of the relation whose rows it reads, or of several; undefined for every other statement. */
  readonly reads?: string | readonly string[] | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly failed: boolean;
}

/**
 * What a running sync reports to its observers: the progress display, metrics, tests. Calls must not throw or block.
 */
export interface SyncObserver {
  /** The server that answered, its version as it says it. */
  connected?(server: { readonly version: string; readonly database: string }): void;
  planned?(plan: SyncPlan): void;
  /** Called before anything is read, where mode log has a slot. */
  slotSeen?(wal: SlotWal): void;
  tableStarted?(table: PlannedTable, position: number, total: number): void;
  /** Called for every statement of every connection, when it has ended. */
  statement?(statement: StatementEvent): void;
  /** Everything written before is durable; `seconds` is what the commit took. */
  checkpoint?(seconds: number): void;
  /** Rows accepted by the destination; `bytes` are characters of packed text. */
  rowsWritten?(table: PlannedTable, rows: number, bytes: number): void;
  /** A load that was interrupted goes on; the destination has so many of its rows already. */
  tableResumed?(table: PlannedTable, rows: number): void;
  /** Everything is read; what is left is the destination's work. */
  tableRead?(table: PlannedTable): void;
  tableFinished?(table: PlannedTable, report: TableReport): void;
  /** Called for a table that is not begun, because it cannot be read or written: it counts as failed. */
  tableLeftOut?(report: TableReport): void;
  /** Called for each table at the end of a sync that proves tables, and again after its proof; null: never, or it differs. */
  tableProven?(table: string, provenAt: string | null): void;
  /** A table that ended well was found to differ from its source. */
  proofFailed?(report: TableReport): void;
  retry?(table: PlannedTable, attempt: number, delaySeconds: number): void;
  /**
   * Called whenever pressure is sampled, with the batch size and readers that follow from it. `uncutRows` is what the
   * batch would have without it.
   */
  sampled?(pressure: Pressure, batchRows: number, readers: number, uncutRows: number): void;
}
