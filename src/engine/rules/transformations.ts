/**
 * Business rules between source and destination. The `orders` rule is the first of a list that users extend with a
 * module of their own (`transformations` in the configuration).
 */
import { ConnectorError } from '../../common/errors';
import type { ColumnSchema, TableSchema } from '../../model/table';
import { quoteLiteral } from '../../postgres/connection';
import { selectColumn, type SelectColumn } from '../../postgres/read';
import { messageOf } from './transformation-module';
import type { RuleBatch, RuleBatchResult, RuleSql, RuleTable, Transformation } from './rule-types';

const WEST_REGION = 'weg45';
const OWN_REGION = 'fdx55';

/** What the rule below looks at. */
export const ORDERS_REGION = {
  column: 'region',
  matches: (tableName: string): boolean => tableName.toLowerCase() === 'orders',
} as const;

/**
 * Tables called `orders` hold internal region codes: one stands for the configured region, one for Europe. Only rows of
 * the configured region are kept. Without a configured region all rows are kept, with their codes unchanged.
 */
const ordersRegion: Transformation = {
  name: 'orders-region',
  matches: (table) =>
    ORDERS_REGION.matches(table.name) && table.columns.some((column) => column.name === ORDERS_REGION.column),
  columns: (sql) => {
    const own = sql.region === undefined ? '' : ` WHEN ${sql.literal(OWN_REGION)} THEN ${sql.literal(sql.region)}`;
    return {
      region: `CASE ${sql.text('region')}${own} WHEN ${sql.literal(WEST_REGION)} THEN 'Europe' ELSE ${sql.text('region')} END`,
    };
  },
  where: (sql) => (sql.region === undefined ? undefined : `${sql.text('region')} = ${sql.literal(sql.region)}`),
};

export const BUILT_IN_TRANSFORMATIONS: readonly Transformation[] = [ordersRegion];

export interface BatchRule {
  readonly name: string;
  apply(batch: RuleBatch): RuleBatchResult;
}

/** The part of a table that is read, rules applied. */
export interface TableSelection {
  readonly columns: readonly SelectColumn[];
  readonly conditions: readonly string[];
  readonly batchRules: readonly BatchRule[];
  /** Names of the columns that rules compute. */
  readonly rewritten: ReadonlySet<string>;
  /** A key column is rewritten, or rows pass through JavaScript that may rewrite it. */
  readonly keysMayChange: boolean;
  /** At least one rule applies to the table. */
  readonly rulesApply: boolean;
}

export function applyTransformations(
  table: TableSchema,
  rules: readonly Transformation[],
  region: string | undefined,
): TableSelection {
  const ruleTable = describeForRules(table);
  let columns = table.columns.map((column) => selectColumn(column, table.primaryKey.includes(column.name)));
  const conditions: string[] = [];
  const batchRules: BatchRule[] = [];
  const rewritten = new Set<string>();
  let rulesApply = false;
  for (const rule of rules) {
    if (!ask(rule, () => rule.matches(ruleTable))) continue;
    rulesApply = true;
    const sqlOver = (present: readonly SelectColumn[]): RuleSql => ({
      text: (name) => {
        const column = present.find((candidate) => candidate.name === name);
        if (column === undefined)
          throw ruleError(rule, `names column "${name}", which ${table.schema}.${table.name} does not have`);
        return `(${column.textExpression})`;
      },
      literal: quoteLiteral,
      region,
    });
    const before = columns;
    const expressions = ask(rule, () => rule.columns?.(sqlOver(before), ruleTable)) ?? {};
    for (const [name, expression] of Object.entries(expressions)) {
      const index = columns.findIndex((column) => column.name === name);
      if (index === -1)
        throw ruleError(rule, `rewrites column "${name}", which ${table.schema}.${table.name} does not have`);
      rewritten.add(name);
      // A rewritten value may be any text, even where the column was a number.
      columns = columns.with(index, {
        name,
        type: { kind: 'string' },
        textExpression: `(${expression})::text`,
        nullable: true,
      });
    }
    const present = columns;
    const condition = ask(rule, () => rule.where?.(sqlOver(present), ruleTable));
    if (condition !== undefined) conditions.push(condition);
    if (rule.batch !== undefined) {
      const apply = rule.batch.bind(rule);
      batchRules.push({ name: rule.name, apply: (batch) => apply(batch, ruleTable) });
    }
  }
  const keysMayChange = batchRules.length > 0 || table.primaryKey.some((key) => rewritten.has(key));
  return { columns, conditions, batchRules, rewritten, keysMayChange, rulesApply };
}

export function describeForRules(table: TableSchema): RuleTable {
  return {
    schema: table.schema,
    name: table.name,
    columns: table.columns.map((column: ColumnSchema) => ({ name: column.name, type: typeForRules(column) })),
  };
}

/** A hash or what a mask leaves is text, whatever it was made of. */
function typeForRules({ declaredType, policy }: ColumnSchema): string {
  return policy === undefined || policy.action.kind === 'null' ? declaredType : 'text';
}

/** Calls the user's code; an error that it throws fails the table, with the rule's name. */
function ask<T>(rule: Transformation, question: () => T): T {
  try {
    return question();
  } catch (cause) {
    throw cause instanceof ConnectorError ? cause : ruleError(rule, `failed: ${messageOf(cause)}`, cause);
  }
}

export function ruleError(rule: { readonly name: string }, what: string, cause?: unknown): ConnectorError {
  return new ConnectorError(`The transformation "${rule.name}" ${what}.`, {
    code: 'transformation',
    kind: 'source',
    hint: 'Correct the module named by "transformations".',
    cause,
  });
}
