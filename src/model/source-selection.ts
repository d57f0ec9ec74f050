export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** The part of the source that is wanted, beyond the configuration's filters. */
export interface SourceSelection {
  includesTable(table: TableName): boolean;
  /** `column` as the destination calls it. Key columns are sent whatever this says. */
  includesColumn(table: TableName, column: string): boolean;
}
