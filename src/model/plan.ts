import type { SyncMode } from './sync-state';
import type { TableSchema } from './table';

export type TableCategory = 'small' | 'medium' | 'large';

/** How a table's rows are fetched. */
export type ReadMethod =
  /** packed batches over ranges of ctid */
  | 'ranges'
  /** a server-side cursor, one packed row at a time */
  | 'cursor';

export interface PlannedTable {
  readonly table: TableSchema;
  readonly category: TableCategory;
  readonly readMethod: ReadMethod;
  /** How changes of the table are found, and one phrase that says why. */
  readonly mode: SyncMode;
  readonly modeReason: string;
  /** The column that mode timestamp goes by; null in other modes. */
  readonly replicationKey: string | null;
  /** An indexed update column that could be named as replication key, and is not trusted unless it is. */
  readonly untrustedKey?: string;
  readonly batchRows: number;
  readonly threads: number;
  readonly queueRows: number;
  readonly partitionRows: number;
  readonly checkpointRows: number;
}

export interface SyncPlan {
  /** In the order they will be processed: small, medium, large, each by row count. */
  readonly tables: readonly PlannedTable[];
}
