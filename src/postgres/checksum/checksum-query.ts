/** Statements that return checksums of a range of rows, computed on the server. */
import { ConnectorError } from '../../common/errors';
import { checksum, type Checksum } from '../../model/checksum';
import type { Relation } from '../../model/table';
import type { TidRange } from '../../model/tid-range';
import { canonicalText, digest, encodedRow, groupOf, type ServerEncoding } from './canonical-text';
import { type OdbcRow, type RepeatedStatement, checkSettings, SETTINGS_SEEN, quoteRows } from '../connection';
import { ROW_ALIAS, type SelectColumn, statementOfRange } from '../read';

export interface ChecksumQuery {
  readonly relation: Pick<Relation, 'schema' | 'name' | 'includesChildren'>;
  readonly columns: readonly SelectColumn[];
  /** The columns that tell rows apart: the primary key's, or all of them. */
  readonly key: readonly SelectColumn[];
  readonly conditions: readonly string[];
  readonly encoding: ServerEncoding;
}

/** SQL for the canonical text of a column. */
type TextOf = (column: SelectColumn) => string;

/** SQL for a row's hash over the row alias. */
export function rowDigest({ columns, encoding }: ChecksumQuery, textOf?: TextOf): string {
  return digest(encodedRow(columns, encoding, textOf), encoding);
}

/** SQL for a row's group over the row alias. */
export function rowGroup({ key, encoding }: ChecksumQuery, bits: number, textOf?: TextOf): string {
  return groupOf(digest(encodedRow(key, encoding, textOf), encoding), bits);
}

/** One cell, `x`: `group rows high low`, separated by commas. With 0 bits there is one group. */
export function groupChecksumsStatement(query: ChecksumQuery, range: TidRange, bits: number): RepeatedStatement {
  const { schema, name } = query.relation;
  const half = (from: number): string => `sum(substring(h from ${from} for 64)::int8)::text`;
  const columns = [...new Set([...query.columns, ...query.key])];
  const places = new Map(columns.map((column, index) => [column, `c${index}`]));
  const textOf: TextOf = (column) => `${ROW_ALIAS}.${places.get(column)}`;
  const texts = columns.map((column) => `${canonicalText(column)} AS ${places.get(column)}`).join(', ');
  const group = bits === 0 ? '0' : rowGroup(query, bits, textOf);
  return statementOfRange(`${schema}.${name}`, range, (inRange) => {
    const conditions = [...inRange, ...query.conditions.map((condition) => `(${condition})`)];
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    // OFFSET 0 keeps the hash from being computed once for each half, and a text of jsonb from being made for its
    // length as well. As bits, the hash is parsed once.
    const rows = `(SELECT ${texts} FROM ${quoteRows(query.relation)} AS ${ROW_ALIAS}${where} OFFSET 0) AS ${ROW_ALIAS}`;
    return (
      `SELECT coalesce(string_agg(g::text || ' ' || n || ' ' || a || ' ' || b, ','), '') AS x, ${SETTINGS_SEEN} AS s FROM (` +
      `SELECT g, count(*)::text AS n, ${half(1)} AS a, ${half(65)} AS b FROM (` +
      `SELECT ('x' || ${rowDigest(query, textOf)})::bit(128) AS h, ${group} AS g FROM ${rows} OFFSET 0) AS d GROUP BY g) AS e`
    );
  });
}

export function parseGroupChecksums(row: OdbcRow | undefined, doing: string): [group: number, sums: Checksum][] {
  checkSettings(row, doing);
  const text = row?.['x'];
  if (typeof text !== 'string') throw incomplete(doing);
  if (text === '') return [];
  return text.split(',').map((entry) => {
    const [group = '', rows = '', high = '', low = ''] = entry.split(' ');
    return [Number(group), checksum(Number(rows), BigInt(high), BigInt(low))];
  });
}

function incomplete(doing: string): ConnectorError {
  return new ConnectorError(`The ODBC driver returned an unexpected result (while ${doing}); nothing of it was used.`, {
    code: 'damaged_batch',
    kind: 'source',
    retryable: true,
  });
}
