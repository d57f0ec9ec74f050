/** What a plan says of one table. */
import type { ReadMethod, TableCategory } from '../../model/plan';
import type { SyncMode } from '../../model/sync-state';

export type PassKind = 'load' | 'resume' | 'changes' | 'keys';

export interface TableDetails {
  /** `schema.table` */
  readonly table: string;
  readonly destinationTable: string;
  readonly category: TableCategory;
  readonly estimatedRows: number;
  readonly bytes: number;
  readonly primaryKey: readonly string[];
  /** Columns that are not read as they are, by the rules of `columns` or by the role's privileges. */
  readonly columnRules: readonly ColumnDetails[];
  readonly mode: SyncMode;
  /** Why it has that mode. */
  readonly reason: string;
  /** What this sync would read: everything, the rest of a broken load, changes, or keys only. */
  readonly pass: PassKind;
  readonly replicationKey: string | null;
  /** An indexed update column that could be named as replication key; null where there is none, or one is used. */
  readonly untrustedKey: string | null;
  readonly readMethod: ReadMethod;
  readonly batchRows: number;
  readonly threads: number;
  readonly partitions: number;
  /** About how many statements will be run. */
  readonly statements: number;
  /** Estimated from earlier runs; null where there are none. */
  readonly estimatedSeconds: number | null;
}

export interface ColumnDetails {
  readonly column: string;
  /** As in `columns`. */
  readonly rule: string;
  /** Why it is left out; null where it is read otherwise than as it is. */
  readonly leftOut: 'rule' | 'unlisted' | 'denied' | null;
}
