/** SQL for the rows of a batch, as an INSERT into its table takes them. */
import type { DestinationTable, LoadStamp } from '../../destination';
import { quoted } from '../types';
import { sourceOf, textOf, type FittedBatch } from './batch-fit';
import type { ColumnTypes } from './column-types';
import { stampSeconds, stampTime } from './stamp';

export interface RowsToInsert {
  /** The text behind INSERT INTO and the table's name. */
  readonly sql: string;
  /** The columns are inserted as they are, and the stamp. */
  readonly isPlain: boolean;
}

/** For a batch with all of the table's columns. */
export function wholeRows(
  fitted: FittedBatch,
  table: DestinationTable,
  types: ColumnTypes,
  stamp: LoadStamp,
): RowsToInsert {
  const hasKey = table.primaryKey.length > 0;
  const columns = fitted.batch.columns.map((_, index) => index);
  const values = columns.map((index) => valueOf(fitted, index, index, types));
  const added: readonly (readonly [name: string, value: string])[] = [
    ['sync_timestamp', stampSeconds(stamp)],
    ['_fivetran_synced', stampTime(stamp)],
    ['_fivetran_deleted', 'false'],
    ...(hasKey ? [] : [['_fivetran_id', contentHash(columns.map((index) => textOf(fitted, index)))] as const]),
  ];
  const names = [...table.columns.map((column) => quoted(column.name)), ...added.map(([name]) => name)];
  const selected = [...values, ...added.map(([, value]) => value)];
  return {
    sql: `(${names.join(', ')}) SELECT ${selected.join(', ')} FROM ${sourceOf(fitted)}`,
    isPlain: hasKey && values.every((value, index) => value === `c${index}`),
  };
}

/**
 * For a batch of some columns, and a table that has just those. `places` are the columns' places in the whole table.
 */
export function partialRows(fitted: FittedBatch, places: readonly number[], types: ColumnTypes): RowsToInsert {
  const values = places.map((at, index) => valueOf(fitted, index, at, types));
  return { sql: `SELECT ${values.join(', ')} FROM ${sourceOf(fitted)}`, isPlain: false };
}

/** SQL for a value of the batch's column `index`, which is the table's column `at`. */
function valueOf(fitted: FittedBatch, index: number, at: number, types: ColumnTypes): string {
  if (fitted.rows !== undefined && fitted.rows.types[index] !== 'VARCHAR') return types.decoded(at, `c${index}`);
  return types.cast(at, textOf(fitted, index), fitted.forms[index] ?? 'plain');
}

/** Identity of a row without a key: its content. Copies of one row are told apart when the load ends. */
function contentHash(texts: readonly string[]): string {
  if (texts.length === 0) return "md5('')";
  return `md5(concat_ws(chr(31), ${texts.map((text) => `coalesce(${text}, chr(29))`).join(', ')}))`;
}
