/** Asks about a table beside its rows, where reading them has failed or has brought none. */
import { ConnectorError } from '../../common/errors';
import type { Relation, TableSchema } from '../../model/table';
import { ROW_ALIAS, type SelectColumn } from '../../postgres/read';
import { type Session, quoteQualified } from '../../postgres/connection';
import type { TableSelection } from '../rules';

/**
 * Errors of values and of the functions that compute them: classes 22 (data), P0 (raised), 2F, 38 and 39 (routines).
 */
const OF_AN_EXPRESSION = /^(22|P0|2F|38|39)/;

/** Whether the error may come from the computation of a column; columns that are only stored do not fail. */
export function mayNameColumn(error: ConnectorError, table: TableSchema, selection: TableSelection): boolean {
  return OF_AN_EXPRESSION.test(error.sqlState ?? '') && computedColumns(table, selection).length > 0;
}

/**
 * The error with the name of the column that raises it, found by reading the computed columns one by one. The error
 * stays as it is where none of them fails by itself.
 */
export async function namingColumn(
  error: ConnectorError,
  table: TableSchema,
  selection: TableSelection,
  session: Session,
  signal: AbortSignal,
): Promise<ConnectorError> {
  const failureOf = async (relation: Relation, counted: string): Promise<unknown> => {
    const sql = `SELECT count(${counted}) FROM ${rowsOf(relation)}${where(selection.conditions)}`;
    const doing = `looking for the column of ${relation.schema}.${relation.name} that fails`;
    return await session.query(sql, { doing, signal }).catch((thrown: unknown) => thrown);
  };
  for (const relation of table.relations) {
    // A view may fail by its condition, whichever column is asked for.
    if ((await failureOf(relation, '*')) instanceof ConnectorError) return error;
    for (const { name, textExpression } of computedColumns(table, selection)) {
      const found = await failureOf(relation, textExpression);
      if (!(found instanceof ConnectorError)) continue;
      // A lost connection or an interruption says nothing about the column.
      if (found.sqlState !== error.sqlState) return error;
      return new ConnectorError(
        `Column "${name}" of ${table.schema}.${table.name} cannot be computed: ${error.message}`,
        {
          code: 'column_fails',
          kind: error.kind,
          ...(error.sqlState === undefined ? {} : { sqlState: error.sqlState }),
          hint: 'Correct its expression, or the rows for which it fails.',
          cause: error,
        },
      );
    }
  }
  return error;
}

/** How many rows the selection leaves out. */
export async function countLeftOut(
  table: TableSchema,
  selection: TableSelection,
  session: Session,
  signal: AbortSignal,
): Promise<number> {
  let sum = 0;
  for (const relation of table.relations) {
    const met = selection.conditions.map((condition) => `(${condition})`).join(' AND ');
    const sql = `SELECT count(*)::text AS n FROM ${rowsOf(relation)} WHERE (${met}) IS NOT TRUE`;
    const [row] = await session.query(sql, { doing: `counting rows of ${relation.schema}.${relation.name}`, signal });
    sum += Number(row?.['n']);
  }
  return sum;
}

/** Virtual columns, columns of a view, and what a rule has rewritten. */
function computedColumns(table: TableSchema, selection: TableSelection): readonly SelectColumn[] {
  if (table.kind === 'view') return selection.columns;
  const virtual = new Set(table.columns.filter((column) => column.virtual === true).map((column) => column.name));
  return selection.columns.filter((column) => virtual.has(column.name) || selection.rewritten.has(column.name));
}

function rowsOf({ schema, name, includesChildren }: Relation): string {
  return `${includesChildren === true ? '' : 'ONLY '}${quoteQualified(schema, name)} AS ${ROW_ALIAS}`;
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.map((condition) => `(${condition})`).join(' AND ')}`;
}
