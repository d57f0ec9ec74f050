/** The types that users write their rules against: a rule, its input and its result. */

/** The facts about a table that a rule is given. */
export interface RuleTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** The tools with which a rule writes its SQL. */
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
  /** One flag per row; rows with false are dropped. */
  readonly keep?: readonly boolean[];
}

export interface Transformation {
  readonly name: string;
  matches(table: RuleTable): boolean;
  /** SQL of type text for columns to be rewritten on the server. */
  columns?(sql: RuleSql, table: RuleTable): Readonly<Record<string, string>>;
  /** An SQL condition that rows must meet; it sees the rewritten columns through `sql.text`. */
  where?(sql: RuleSql, table: RuleTable): string | undefined;
  /** For rules that SQL cannot express; runs over every batch. */
  batch?(batch: RuleBatch, table: RuleTable): RuleBatchResult;
}

/** The default export of a user's module. */
export interface TransformationModule {
  readonly transformations?: readonly Transformation[];
  /** Called once per table, after `table_filters`; false leaves the table out. */
  readonly includeTable?: (table: RuleTable) => boolean;
}
