/**
 * One statement that reads several small tables, each packed into a row of its own (packed-query). From far away it takes
 * the round trip that each of them would take alone. All of them are read under the statement's snapshot.
 */
import { SETTINGS_SEEN, type OdbcRow } from '../connection';
import { packedSelect, SERVER_ENCODING, type PackedQuery } from './packed-query';
import { rangeConditions } from './tid-conditions';

/** The number of the table, in their order. */
const PLACE = 'j';

export function jointQuerySql(queries: readonly PackedQuery[]): string {
  const width = Math.max(0, ...queries.map(({ columns }) => columns.length));
  const names = Array.from({ length: width }, (_, index) => `c${index}`);
  const parts = queries.map((query, place) => {
    const missing = names.slice(query.columns.length).map((name) => `NULL::text AS ${name}`);
    return packedSelect(query, rangeConditions(query.range), [`${place} AS ${PLACE}`], missing);
  });
  const fields = [PLACE, 'n', 'k', 'b', `${SETTINGS_SEEN} AS s`, SERVER_ENCODING, 'x', ...names];
  return `SELECT ${fields.join(', ')} FROM (${parts.join(' UNION ALL ')}) AS u`;
}

/** The row of each table, for `unpackResult`; undefined where the result lacks it. */
export function rowsOfJointQuery(rows: readonly OdbcRow[], tables: number): readonly (OdbcRow | undefined)[] {
  const byPlace = new Map(rows.map((row) => [Number(row[PLACE]), row]));
  return Array.from({ length: tables }, (_, place) => byPlace.get(place));
}
