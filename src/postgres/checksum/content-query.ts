/**
 * A digest of the texts of a table without a key, as they travel, whatever the order of its rows. It is the sum of the
 * digests by which a destination tells such rows apart (`_fivetran_id`): the MD5 of the texts, separated by U+001F, with
 * U+001D for NULL. Unlike a checksum it tells 1.0 from 1.00.
 */
import { checksum, type Checksum } from '../../model/checksum';
import { isFreeText } from '../../model/column-type';
import type { TidRange } from '../../model/tid-range';
import { checkSettings, quoteRows, SETTINGS_SEEN, type OdbcRow, type RepeatedStatement } from '../connection';
import { ROW_ALIAS, statementOfRange, type SelectColumn } from '../read';
import { concatenated, digest } from './canonical-text';
import type { ChecksumQuery } from './checksum-query';

/** One row: `n`, `a` and `b`, the count and the sums of both halves. */
export function contentStatement(
  query: Omit<ChecksumQuery, 'key' | 'readsBytesAsNumbers'>,
  range: TidRange,
): RepeatedStatement {
  const { relation, columns, encoding } = query;
  const half = (from: number): string => `coalesce(sum(substring(h from ${from} for 64)::int8), 0)::text`;
  const texts = columns.flatMap((column, index) => [...(index === 0 ? [] : [`E'\\x1f'`]), cell(column)]);
  return statementOfRange(`content of ${relation.schema}.${relation.name}`, range, (inRange) => {
    const conditions = [...inRange, ...query.conditions.map((condition) => `(${condition})`)];
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    return (
      `SELECT count(*)::text AS n, ${half(1)} AS a, ${half(65)} AS b, ${SETTINGS_SEEN} AS s FROM (` +
      `SELECT ('x' || ${digest(concatenated(texts), encoding)})::bit(128) AS h FROM ${quoteRows(relation)} AS ${ROW_ALIAS}${where} OFFSET 0) AS d`
    );
  });
}

/** A text that is the mark of NULL must not pass for NULL. The destination's copy holds no such text; see load-table. */
function cell({ textExpression: text, nullable, type }: SelectColumn): string {
  if (!nullable) return text;
  const known = isFreeText(type) ? `CASE WHEN ${text} = E'\\x1d' THEN E'\\x1d\\x1d' ELSE ${text} END` : text;
  return `coalesce(${known}, E'\\x1d')`;
}

export function parseContent(row: OdbcRow | undefined, doing: string): Checksum {
  checkSettings(row, doing);
  return checksum(Number(row?.['n']), BigInt(String(row?.['a'])), BigInt(String(row?.['b'])));
}
