/** A batch that a table's columns can hold, and SQL for its values. */
import { hasExactText } from '../../../model/binary-values';
import { ESCAPE, NULL_MARKER, PackedBatch, PackedColumn, packValues, SEPARATOR } from '../../../model/packed-batch';
import type { ValueForm } from '../types';
import { sourceOfRows, type DecodedRows } from './row-vectors';

export interface FittedBatch {
  readonly batch: PackedBatch;
  readonly forms: readonly ValueForm[];
  /** undefined where DuckDB itself splits the packed text. */
  readonly rows: DecodedRows | undefined;
  /** Whether a column's type changed for this batch, so that copies of the table's columns are outdated. */
  readonly changedTypes: boolean;
}

export function hasDigits({ columns }: PackedBatch): boolean {
  return columns.some(({ binaryKind }) => binaryKind !== undefined);
}

/** The batch with texts in place of digits, where the text follows from the digits. */
export function withTexts({ rowCount, columns, bytes }: PackedBatch): PackedBatch {
  const withText = (column: PackedColumn): PackedColumn => {
    if (column.binaryKind === undefined || !hasExactText(column.binaryKind)) return column;
    return new PackedColumn(packValues(column.values()).text, column.rowCount, column.nullable, 'plain', column.known);
  };
  return new PackedBatch(rowCount, columns.map(withText), bytes);
}

/** SQL for the batch's columns, c0, c1, …, in a FROM. */
export function sourceOf({ batch, rows }: FittedBatch): string {
  if (rows !== undefined) return sourceOfRows(rows);
  return batch.columns.length === 0 ? 'range(CAST($1 AS BIGINT))' : splitCells(batch.columns.length);
}

/** SQL for the text of a value that is not decoded, NULL for NULL. */
export function textOf({ batch, rows }: FittedBatch, index: number): string {
  const column = batch.columns[index];
  return column === undefined || rows !== undefined ? `c${index}` : valueText(`c${index}`, column);
}

/**
 * A subquery with the values of `count` packed parameters as columns c0, c1, …
 *
 * unnest stands in a subquery of its own: in one expression with the casts it takes five times as long. The parameters
 * stand in VALUES, because DuckDB plans a statement again when its catalog has changed. The bound texts are then
 * constants to it, and it would split them while planning, value by value.
 */
function splitCells(count: number): string {
  const numbers = Array.from({ length: count }, (_, index) => index);
  const parameters = numbers.map((index) => `CAST($${index + 1} AS VARCHAR)`).join(', ');
  const cells = numbers.map((index) => `unnest(string_split(p${index}, chr(31))) AS c${index}`).join(', ');
  return `(SELECT ${cells} FROM (VALUES (${parameters})) AS p(${numbers.map((index) => `p${index}`).join(', ')}))`;
}

/** SQL for the text of a value with its escapes undone; NULL for NULL. */
function valueText(reference: string, column: PackedColumn): string {
  const text = column.nullable ? `nullif(${reference}, chr(${NULL_MARKER.charCodeAt(0)}))` : reference;
  if (column.encoding === 'plain') return text;
  const escape = `chr(${ESCAPE.charCodeAt(0)})`;
  return (
    `replace(replace(replace(${text}, ${escape} || '1', chr(${SEPARATOR.charCodeAt(0)})), ` +
    `${escape} || '2', chr(${NULL_MARKER.charCodeAt(0)})), ${escape} || '0', ${escape})`
  );
}
