/** A table of the warehouse as a comparison with its source sees it. */
import type { Checksum, GroupChecksums } from '../model/checksum';
import type { ColumnType } from '../model/column-type';

export interface CheckedTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** Names of the key's columns; empty: the whole row tells rows apart. */
  readonly primaryKey: readonly string[];
}

/** A table that is compared with its source. Rows that are marked deleted do not count; model/checksum has the terms. */
export interface StoredTable {
  /** Columns that the warehouse lacks. */
  readonly missingColumns: readonly string[];
  total(): Promise<Checksum>;
  groups(bits: number): Promise<GroupChecksums>;
  /** Canonical texts of the rows of some groups, in the order of the columns. */
  rowsOf(groups: readonly number[], bits: number): Promise<readonly (readonly (string | null)[])[]>;
  /** Takes the MD5 of key and of row, and counts the rows that the warehouse lacks, or holds with other values. */
  countDifferent(keys: readonly string[], rows: readonly string[]): Promise<{ missing: number; changed: number }>;
  count(): Promise<number>;
}

export interface StoredTables {
  /** False where -0 is stored as 0: the sign of a zero is then no difference. */
  readonly keepsZeroSigns: boolean;
  /** undefined where the warehouse has no such table. */
  table(table: CheckedTable): Promise<StoredTable | undefined>;
  /** Ends the running statement, since adding up a large table takes a while. */
  interrupt(): void;
}
