import type { ConnectorError } from '../common/errors';
import type { Checksum } from './checksum';
import type { ColumnType } from './column-type';

/** A value of a row that differs; null is NULL. Canonical texts, as destinations/duckdb/verify/postgres-text describes them. */
export interface ValueDifference {
  readonly column: string;
  readonly source: string | null;
  readonly warehouse: string | null;
}

export interface RowDifference {
  readonly kind: 'only_in_source' | 'only_in_warehouse' | 'changed';
  /** By column; all columns where the table has no key. */
  readonly key: Readonly<Record<string, string | null>>;
  /** Values of a changed row; empty for the other kinds. */
  readonly values: readonly ValueDifference[];
  /** The row was inserted or updated after the last sync had begun, so the sync could not have read it. */
  readonly sinceSync: boolean;
}

export interface TableDifference {
  /** Number of groups of keys whose checksums differ. */
  readonly groupsDifferent: number;
  readonly groups: number;
  /** Whether all different groups were compared row by row; false: the counts below cover only some of them. */
  readonly complete: boolean;
  readonly onlyInSource: number;
  readonly onlyInWarehouse: number;
  readonly changed: number;
  /** How many of them were inserted or updated after the last sync had begun. */
  readonly sinceSync: number;
  /** In how many changed rows each column differs. */
  readonly columns: Readonly<Record<string, number>>;
  /** As many as were asked for. */
  readonly rows: readonly RowDifference[];
}

export interface TableVerification {
  /** `schema.table` */
  readonly key: string;
  readonly destinationTable: string;
  readonly outcome: 'equal' | 'different' | 'failed';
  /** Share of the table that was read; 1: all of it. */
  readonly sample: number;
  /** null where nothing was counted. */
  readonly sourceRows: number | null;
  readonly warehouseRows: number | null;
  readonly seconds: number;
  /** A difference of the table as a whole, e.g. that the warehouse lacks it. */
  readonly problem?: string;
  readonly difference?: TableDifference;
  readonly error?: ConnectorError;
  /** What a certificate says of a table that is equal as a whole. */
  readonly proof?: TableProof;
}

export interface TableProof {
  /** Names in the warehouse; the checksum is of these columns, in this order. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  readonly checksum: Checksum;
  /** The xmin of the snapshot that the source was read under. */
  readonly snapshotXmin: string;
  readonly lastSyncedAt: string | null;
}

export interface VerificationReport {
  readonly tables: readonly TableVerification[];
  readonly seconds: number;
  /** Missing where the source was not asked. */
  readonly source?: { readonly version: string; readonly database: string; readonly identity: string };
}
