/** What users write their rules against: the shapes of a rule, of what it is told, and of what it returns. */

/** What a rule may know of the table it is asked about. */
export interface RuleTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** What a rule writes its SQL with. */
export interface RuleSql {
  /** SQL for a column's value as text, quoted; rules earlier in the list are already applied. */
  text(column: string): string;
  /** SQL for a string constant. */
  literal(value: string): string;
  /** The configured region, if there is one. */
  readonly region: string | undefined;
}

/** A batch as a rule's JavaScript sees it: columns of texts, NULL as null. */
export interface RuleBatch {
  readonly rows: number;
  readonly columns: Readonly<Record<string, readonly (string | null)[]>>;
}

export interface RuleBatchResult {
  /** Columns to replace; each with one text or null for every row. */
  readonly columns?: Readonly<Record<string, readonly (string | null)[]>>;
  /** One flag a row; rows with false are dropped. */
  readonly keep?: readonly boolean[];
}

export interface Transformation {
  readonly name: string;
  matches(table: RuleTable): boolean;
  /** SQL of type text for columns to be rewritten on the server. */
  columns?(sql: RuleSql, table: RuleTable): Readonly<Record<string, string>>;
  /** An SQL condition that rows must meet; it sees the rewritten columns through `sql.text`. */
  where?(sql: RuleSql, table: RuleTable): string | undefined;
  /** For what SQL cannot say; runs over every batch. */
  batch?(batch: RuleBatch, table: RuleTable): RuleBatchResult;
}

/** What a user's module may export by default. */
export interface TransformationModule {
  readonly transformations?: readonly Transformation[];
  /** Called once a table, after `table_filters`; false leaves the table out. */
  readonly includeTable?: (table: RuleTable) => boolean;
}
