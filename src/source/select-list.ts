/** How the columns of a read travel: each value as text (source/value-text), and the packed form of them. */
import { isFreeText, type ColumnType } from '../model/column-type';
import type { ColumnSchema, SourceType } from '../model/table';
import { quoteIdentifier } from './sql';
import { valueText } from './value-text';

/** A column of a read: of the table itself, or as a transformation rewrote it. */
export interface SelectColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** SQL of type text over the row alias `t`; NULL where the value is NULL. */
  readonly textExpression: string;
  /** False only where the server guarantees it. */
  readonly nullable: boolean;
  /** True only where the server has parsed every value as JSON. */
  readonly isJson?: boolean;
}

/** Alias of the relation in every statement that reads rows. */
export const ROW_ALIAS = 't';

export function selectColumn(column: ColumnSchema, isKey: boolean): SelectColumn {
  const reference = `${ROW_ALIAS}.${quoteIdentifier(column.name)}`;
  const text = valueText(reference, column.sourceType, column.type);
  return {
    name: column.name,
    type: column.type,
    textExpression: isKey && column.sourceType.isArray ? withBounds(reference, text) : text,
    nullable: column.nullable,
    isJson: isJsonb(column.sourceType),
  };
}

/** Not json, which may hold half of a surrogate pair, nor what a cast to json makes of other types. */
function isJsonb({ schema, name, category, isArray }: SourceType): boolean {
  return schema === 'pg_catalog' && name === 'jsonb' && category === 'b' && !isArray;
}

/** '[2:2]={1}' and '{1}' are two keys to PostgreSQL, and would be one as JSON: the first is kept as a JSON string. */
function withBounds(array: string, text: string): string {
  return `CASE WHEN left(${array}::text, 1) = '[' THEN pg_catalog.to_json(${array}::text)::text ELSE ${text} END`;
}

export type Packing = 'plain' | 'escaped';

/**
 * One cell with all values of a column, each followed by U+001F, NULL as U+001D. The separator after the
 * last value too: a driver that cuts a cell short cannot then go unnoticed.
 */
export function packedAggregate(column: SelectColumn, packing: Packing): string {
  const text =
    packing === 'escaped' && isFreeText(column.type) ? escapedText(column.textExpression) : column.textExpression;
  const value = column.nullable ? `coalesce(${text}, E'\\x1d')` : text;
  return `string_agg(${value}, E'\\x1f') || E'\\x1f'`;
}

/** One row's values in one cell, for the cursor path, where rows cannot be aggregated. Always escaped. */
export function packedRow(columns: readonly SelectColumn[]): string {
  const cells = columns.map((column) => {
    const text = isFreeText(column.type) ? escapedText(column.textExpression) : column.textExpression;
    return column.nullable ? `coalesce(${text}, E'\\x1d')` : text;
  });
  // concat_ws takes at most 100 arguments through some paths; || takes any number.
  return cells.length === 0 ? `''::text` : cells.join(` || E'\\x1f' || `);
}

function escapedText(text: string): string {
  return `replace(replace(replace(${text}, E'\\x1b', E'\\x1b0'), E'\\x1f', E'\\x1b1'), E'\\x1d', E'\\x1b2')`;
}
