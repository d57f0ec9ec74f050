/**
 * What a comparison has proven, to be shown again later without the source: of each table its rows and their checksum, as
 * of a snapshot. A warehouse that gives the same holds what the source had then.
 */
import type { ColumnType } from './column-type';

export const CERTIFICATE_FORMAT = 'pgsluice-certificate-1';

export interface CertifiedTable {
  /** `schema.table` of the source. */
  readonly table: string;
  /** In the schema of the warehouse that the certificate names. */
  readonly warehouse_table: string;
  /** Names in the warehouse, and the types that the values travelled as; in the order of the checksum. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** Rows marked deleted not counted. */
  readonly rows: number;
  /** Both halves of model/checksum as 32 hexadecimal digits. */
  readonly checksum: string;
  /** The lowest transaction id that the source's snapshot did not see as ended, 64 bits in decimal. */
  readonly snapshot_xmin: string;
  /** ISO time at which the sync began that the warehouse shows. */
  readonly last_synced_at: string | null;
}

export interface Certificate {
  readonly format: typeof CERTIFICATE_FORMAT;
  /** ISO time. */
  readonly made_at: string;
  readonly pgsluice: string;
  readonly postgresql: string;
  readonly database: string;
  /** See postgres/catalog/change-tracking. */
  readonly source: string;
  readonly schema: string;
  /** Those that were found equal. */
  readonly tables: readonly CertifiedTable[];
  /** Tables of which nothing is certified, and why. */
  readonly not_certified: readonly { readonly table: string; readonly outcome: string }[];
}
