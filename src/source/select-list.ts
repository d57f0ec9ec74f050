/**
 * How a column travels: the SQL that turns a value into text without loss, and the packed form of it.
 *
 * Every expression works with an empty search_path: built-in functions are qualified, and casts to text
 * name types of pg_catalog only.
 */
import { isFreeText, type ColumnType } from '../model/column-type';
import type { ColumnSchema, SourceType } from '../model/table';
import { quoteIdentifier } from './sql';

/** A column of a read: of the table itself, or as a transformation rewrote it. */
export interface SelectColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** SQL of type text over the row alias `t`; NULL where the value is NULL. */
  readonly textExpression: string;
  /** False only where the server guarantees it. */
  readonly nullable: boolean;
}

/** Alias of the relation in every statement that reads rows. */
export const ROW_ALIAS = 't';

export function selectColumn(column: ColumnSchema): SelectColumn {
  const reference = `${ROW_ALIAS}.${quoteIdentifier(column.name)}`;
  return {
    name: column.name,
    type: column.type,
    textExpression: textExpression(reference, column.sourceType),
    nullable: column.nullable,
  };
}

function textExpression(reference: string, source: SourceType): string {
  // json of NULL would be NULL as well: to_json is strict.
  if (source.isArray || source.category === 'c') return `pg_catalog.to_json(${reference})::text`;
  if (source.category === 'r') return rangeJson(reference);
  if (source.category === 'm') return multirangeJson(reference);
  if (source.name === 'money') return `${reference}::numeric::text`;
  // The extension's own cast; its functions may live in any schema, casts are found everywhere.
  if (source.name === 'hstore') return `${reference}::json::text`;
  return `${reference}::text`;
}

/** As Fivetran documents ranges; an unbounded side is null, an empty range has no bounds at all. */
function rangeJson(range: string): string {
  const bound = (side: 'lower' | 'upper'): string => `pg_catalog.${side}(${range})::text`;
  const mark = (side: 'lower' | 'upper', inclusive: string, exclusive: string): string =>
    `CASE WHEN pg_catalog.isempty(${range}) THEN NULL WHEN pg_catalog.${side}_inc(${range}) THEN '${inclusive}' ELSE '${exclusive}' END`;
  return (
    `CASE WHEN ${range} IS NULL THEN NULL ELSE pg_catalog.json_build_object(` +
    `'start_value', ${bound('lower')}, 'end_value', ${bound('upper')}, ` +
    `'start_bound', ${mark('lower', '[', '(')}, 'end_bound', ${mark('upper', ']', ')')})::text END`
  );
}

function multirangeJson(multirange: string): string {
  return (
    `CASE WHEN ${multirange} IS NULL THEN NULL ELSE (SELECT coalesce(pg_catalog.json_agg((${rangeJson('r')})::json), '[]'::json)::text ` +
    `FROM pg_catalog.unnest(${multirange}) AS r) END`
  );
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
