/**
 * Converts rows marked deleted for a table whose columns have other types now. With a full load, a column that had
 * become text gets its type back, unless such a row holds a value that does not fit it.
 */
import { castExpression, decimalShape } from '../types';
import { storedText, withoutTrailingZeros } from '../verify/postgres-text';
import type { Warehouse } from '../warehouse';

/** SQL for `value` of type `from` as `to`; NULL where it does not fit exactly. */
export function converted(value: string, from: string, to: string): string {
  if (from !== 'VARCHAR') return `TRY_CAST(${value} AS ${to})`;
  if (to === 'BLOB')
    return `CASE WHEN regexp_full_match(${value}, '\\\\x([0-9a-f]{2})*') THEN ${castExpression(value, to, 'plain')} END`;
  const cast = castExpression(value, to, ERAS.test(to) ? 'eras' : 'plain').replace(/^CAST\(/, 'TRY_CAST(');
  return `CASE WHEN ${sameText(cast, to, value)} THEN ${cast} END`;
}

/** SQL for whether a row's value is lost on the way. */
export function isLost(value: string, from: string, to: string): string {
  const there = converted(value, from, to);
  return from === 'VARCHAR'
    ? `(${value} IS NOT NULL AND ${there} IS NULL)`
    : `(${value} IS NOT NULL AND CAST(${there} AS ${from}) IS DISTINCT FROM ${value})`;
}

const ERAS = /^(DATE|TIMESTAMP)/;

function sameText(cast: string, to: string, text: string): string {
  const back = storedText(cast, to);
  return decimalShape(to) === undefined
    ? `${back} = ${text}`
    : `${withoutTrailingZeros(back)} = ${withoutTrailingZeros(text)}`;
}

const MAX_DIGITS = 38;

/**
 * The scale that a DECIMAL(38,…) needs for its present values and those of `rows`; undefined where none suffices.
 * `column` and `value` are SQL.
 */
export async function commonScale(
  warehouse: Warehouse,
  present: { readonly table: string; readonly column: string; readonly type: string },
  rows: string,
  value: { readonly sql: string; readonly type: string },
): Promise<number | undefined> {
  const shape = decimalShape(present.type);
  if (shape?.precision !== MAX_DIGITS) return undefined;
  const text = withoutTrailingZeros(storedText(value.sql, value.type));
  const [found] = await warehouse.rows(
    `SELECT bool_and(regexp_full_match(v, '-?[0-9]+(\\.[0-9]+)?')), max(length(split_part(v, '.', 2))), ` +
      `max(length(ltrim(split_part(v, '.', 1), '-0'))) FROM (SELECT ${text} AS v ${rows}) WHERE v IS NOT NULL`,
  );
  if (found?.[0] !== true) return undefined;
  const [held] = await warehouse.rows(
    `SELECT max(length(ltrim(split_part(CAST(${present.column} AS VARCHAR), '.', 1), '-0'))) FROM ${present.table}`,
  );
  const scale = Math.max(shape.scale, Number(found[1] ?? 0));
  const whole = Math.max(Number(found[2] ?? 0), Number(held?.[0] ?? 0));
  return whole + scale <= MAX_DIGITS ? scale : undefined;
}
