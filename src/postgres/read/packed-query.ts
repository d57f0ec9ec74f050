/** One query returns one row: a whole batch of rows as packed columns, with the counts that prove it whole. */
import { counted } from '../../common/counted';
import { binaryForm, countNullDigits } from '../../model/binary-values';
import { isFreeText } from '../../model/column-type';
import { countCharacter } from '../../common/count-character';
import { ConnectorError } from '../../common/errors';
import { NULL_MARKER, PackedBatch, PackedColumn, SEPARATOR } from '../../model/packed-batch';
import type { Relation } from '../../model/table';
import type { TidRange } from '../../model/tid-range';
import { binaryOf, packedAggregate, ROW_ALIAS, type Packing, type SelectColumn } from './select-list';
import { type OdbcRow, type RepeatedStatement, checkSettings, SETTINGS_SEEN, quoteRows } from '../connection';
import { rangeConditions, statementOfRange } from './tid-conditions';

export const SERVER_ENCODING = `pg_catalog.current_setting('server_encoding') AS e`;

export interface PackedQuery {
  readonly relation: Pick<Relation, 'schema' | 'name' | 'includesChildren'>;
  /** SQL of a subquery that stands in the place of the relation. */
  readonly rowsFrom?: string;
  readonly columns: readonly SelectColumn[];
  readonly range: TidRange;
  /** Returns only the first rows in this order: SQL expressions over the row alias, and how many rows. */
  readonly first?: { readonly order: readonly string[]; readonly rows: number };
  /** SQL conditions over the row alias, joined with AND. */
  readonly conditions: readonly string[];
  readonly packing: Packing;
  /** Cells are returned only if all of them together have at most this many bytes. */
  readonly maxBytes: number;
  /**
   * SQL conditions of rows that may have changed, over the row alias. With them, the batch holds those rows only, and all
   * rows that `conditions` let through are counted.
   */
  readonly changedOnly?: readonly string[];
  /**
   * With `changedOnly`: the scan that counts also notes the places of changed rows, and only these are then read. That is
   * one scan instead of two, for 30 % less of the server's time where few rows have changed, and 30 % more where all have.
   */
  readonly placesFirst?: boolean;
  /** With `changedOnly`: the digits of this column, which is never NULL, of all rows that are counted. */
  readonly allOf?: SelectColumn;
  /** One more expression of the outermost select, e.g. the statement's snapshot. */
  readonly extra?: string;
}

export function packedQuerySql(query: PackedQuery): string {
  return querySql(query, rangeConditions(query.range));
}

/** The same query as a statement that may come for range after range. */
export function packedRangeStatement(query: PackedQuery, comesAgain: boolean): RepeatedStatement {
  const { schema, name } = query.relation;
  const statement = statementOfRange(`${schema}.${name}`, query.range, (conditions) => querySql(query, conditions));
  return { ...statement, comesAgain };
}

function querySql(query: PackedQuery, range: readonly string[]): string {
  return packedSelect(query, range, [`${SETTINGS_SEEN} AS s`, SERVER_ENCODING]);
}

/** The SELECT of one row with what `unpackResult` needs, of which `before` and `behind` may be parts. */
export function packedSelect(
  query: PackedQuery,
  range: readonly string[],
  before: readonly string[],
  behind: readonly string[] = [],
): string {
  const { columns } = query;
  const aggregates = columns.map((column, index) => `${packedAggregate(column, query.packing)} AS c${index}`);
  // An array constructor takes any number of elements, a function call only 100.
  const counts = columns
    .filter((column) => needsNullCount(column, query.packing))
    .map((column) => `count(${binaryOf(column, query.packing)?.reference ?? column.textExpression})`);
  const inner = [
    'count(*)::int4 AS n',
    `${counts.length === 0 ? `'{}'` : `ARRAY[${counts.join(', ')}]`}::text AS k`,
    ...aggregates,
  ].join(', ');
  const size =
    columns.length === 0 ? '0' : columns.map((_, index) => `coalesce(octet_length(c${index}), 0)::int8`).join(' + ');
  // The odbc package does not take cells of any size, so the server decides whether it returns them. A finished
  // aggregate's octet_length costs nothing.
  const cells = columns.map((_, index) => `CASE WHEN b <= ${query.maxBytes} THEN c${index} END AS c${index}`);
  const extra = query.extra === undefined ? [] : [`${query.extra} AS x`];
  const { rows, places, total } = rowsAndTotal(query, range);
  const fields = [...before, 'n', 'k', 'b::text AS b', ...extra, ...total, ...cells, ...behind];
  // OFFSET 0 keeps the size from being merged into every cell's CASE: with 1,600 columns the planner ran out of memory.
  return (
    `${places}SELECT ${fields.join(', ')} FROM (SELECT *, ${size} AS b FROM (` +
    `SELECT ${inner} FROM ${rows}) AS p OFFSET 0) AS q`
  );
}

/** Where the rows of the batch come from, and how many there are of which it is a part. */
function rowsAndTotal(
  query: PackedQuery,
  range: readonly string[],
): { readonly rows: string; readonly places: string; readonly total: readonly string[] } {
  const { changedOnly, allOf, relation } = query;
  if (changedOnly === undefined) return { rows: rowSource(query, range), places: '', total: [] };
  const all = rowSource({ ...query, changedOnly: [] }, range);
  if (query.placesFirst !== true || changedOnly.length === 0) {
    // A separate scan costs no more than a second aggregate, which would have to look at all rows twice.
    return { rows: rowSource(query, range), places: '', total: [`(SELECT ${countOf(allOf)} FROM ${all}) AS t`] };
  }
  const changed = changedOnly.map((condition) => `(${condition})`).join(' AND ');
  const notes = `SELECT ${countOf(allOf)} AS t, array_agg(${ROW_ALIAS}.ctid) FILTER (WHERE ${changed}) AS a FROM ${all}`;
  return {
    rows: `${quoteRows(relation)} AS ${ROW_ALIAS} WHERE ${ROW_ALIAS}.ctid = ANY ((SELECT a FROM places)::tid[])`,
    places: `WITH places AS (${notes}) `,
    total: ['(SELECT t FROM places) AS t'],
  };
}

/** How many rows there are, as text; followed by a space and the digits of `allOf`, where that is given. */
function countOf(allOf: SelectColumn | undefined): string {
  return allOf === undefined ? 'count(*)::text' : `concat(count(*), ' ', ${packedAggregate(allOf, 'binary')})`;
}

function rowSource(query: PackedQuery, range: readonly string[]): string {
  const wanted = [...query.conditions, ...(query.changedOnly ?? [])];
  const conditions = [...range, ...wanted.map((condition) => `(${condition})`)];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const rows = `${query.rowsFrom ?? quoteRows(query.relation)} AS ${ROW_ALIAS}${where}`;
  if (query.first === undefined) return rows;
  return (
    `(SELECT ${ROW_ALIAS}.*, ${ROW_ALIAS}.ctid FROM ${rows} ` +
    `ORDER BY ${query.first.order.join(', ')} LIMIT ${query.first.rows}) AS ${ROW_ALIAS}`
  );
}

/**
 * Only a text that may contain the NULL marker, and a number that may be the one for NULL, can be mistaken for NULL.
 * For digits the number of NULLs is always counted, because columns of many NULLs are shorter as text.
 */
function needsNullCount(column: SelectColumn, packing: Packing): boolean {
  return column.nullable && (isFreeText(column.type) || binaryOf(column, packing) !== undefined);
}

export type PackedResult =
  | {
      readonly outcome: 'batch';
      readonly batch: PackedBatch;
      /** Columns of digits of which most values are NULL. */
      readonly sparse: readonly string[];
      readonly extra: unknown;
      /** Rows of the range, changed or not; see `changedOnly`. */
      readonly total: number | undefined;
      /** See `allOf`. */
      readonly all: PackedColumn | undefined;
    }
  /** The batch has more bytes than asked for, so a smaller range must be read. */
  | { readonly outcome: 'too-large'; readonly rows: number; readonly bytes: number }
  /**
   * A value contains a control character of the packing, or equals what stands for NULL in it. The batch must be read
   * again, escaped.
   */
  | { readonly outcome: 'ambiguous' };

/**
 * Splits a result and proves it: each column must have as many values as rows, and as many NULLs as the server counted.
 */
export function unpackResult(row: OdbcRow | undefined, query: PackedQuery, doing: string): PackedResult {
  const rows = Number(row?.['n']);
  const bytes = Number(row?.['b']);
  if (row === undefined || !Number.isInteger(rows) || !Number.isFinite(bytes))
    throw damaged('an unexpected result', doing);
  checkSettings(row, doing);
  if (bytes > query.maxBytes) return { outcome: 'too-large', rows, bytes };
  const cells = rows === 0 ? [] : query.columns.map((_, index) => row[`c${index}`]);
  const units = cells.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 0), 0);
  // In UTF-8 an ASCII code unit of UTF-16 is one byte, and any other is more. The server counts bytes of its own
  // encoding, and in others one byte may be any character.
  const isUtf8 = row['e'] === 'UTF8';
  if (isUtf8 && units > bytes) throw damaged(`${counted(units, 'character')} for ${counted(bytes, 'byte')}`, doing);
  const ascii = isUtf8 && units === bytes;
  const nonNullCounts = String(row['k']).replace(/[{}]/g, '').split(',').map(Number);
  let nextCount = 0;
  const columns: PackedColumn[] = [];
  const sparse: string[] = [];
  for (const [index, column] of query.columns.entries()) {
    const nonNulls = needsNullCount(column, query.packing) ? nonNullCounts[nextCount++] : undefined;
    const kind = binaryOf(column, query.packing)?.kind;
    if (rows === 0) {
      columns.push(new PackedColumn('', 0, false));
      continue;
    }
    const cell = cells[index];
    if (kind !== undefined) {
      if (typeof cell !== 'string' || cell.length !== rows * binaryForm(kind).digits)
        throw damaged(`an incomplete value of column ${column.name}`, doing);
      if (nonNulls !== undefined) {
        // The value looks like the one for NULL.
        if (binaryForm(kind).mayBeValue && countNullDigits(kind, cell) !== rows - nonNulls)
          return { outcome: 'ambiguous' };
        if (nonNulls < rows / 2) sparse.push(column.name);
      }
      columns.push(new PackedColumn(cell, rows, column.nullable, kind, { ascii, json: false }));
      continue;
    }
    if (typeof cell !== 'string' || !cell.endsWith(SEPARATOR))
      throw damaged(`an incomplete value of column ${column.name}`, doing);
    const escaped = query.packing === 'escaped' && isFreeText(column.type);
    const values = countCharacter(cell, SEPARATOR, ascii);
    if (values !== rows) {
      if (!escaped && isFreeText(column.type) && values > rows) return { outcome: 'ambiguous' };
      throw damaged(`${counted(values, 'value')} of column ${column.name} for ${counted(rows, 'row')}`, doing);
    }
    if (nonNulls !== undefined) {
      const markers = countCharacter(cell, NULL_MARKER, ascii);
      if (markers !== rows - nonNulls) {
        if (!escaped && markers > rows - nonNulls) return { outcome: 'ambiguous' };
        throw damaged(`${markers} NULLs of column ${column.name} where the server counted ${rows - nonNulls}`, doing);
      }
    }
    const known = { ascii, json: column.isJson === true };
    columns.push(new PackedColumn(cell.slice(0, -1), rows, column.nullable, escaped ? 'escaped' : 'plain', known));
  }
  const [count, digits = ''] = String(row['t']).split(' ');
  const total = query.changedOnly === undefined ? undefined : Number(count);
  if (total !== undefined && !(total >= rows)) throw damaged(`a count of ${count} for ${counted(rows, 'row')}`, doing);
  return {
    outcome: 'batch',
    batch: new PackedBatch(rows, columns, bytes),
    sparse,
    extra: row['x'],
    total,
    all: allDigits(query, digits, total, doing),
  };
}

function allDigits(
  { allOf }: PackedQuery,
  digits: string,
  rows: number | undefined,
  doing: string,
): PackedColumn | undefined {
  const kind = allOf?.binary?.kind;
  if (kind === undefined || rows === undefined) return undefined;
  if (digits.length !== rows * binaryForm(kind).digits) throw damaged('an incomplete list of keys', doing);
  return new PackedColumn(digits, rows, false, kind, { ascii: true, json: false });
}

function damaged(what: string, doing: string): ConnectorError {
  return new ConnectorError(`The ODBC driver returned ${what} (while ${doing}); nothing of it was used.`, {
    code: 'damaged_batch',
    kind: 'source',
    retryable: true,
    hint: 'If it happens again, check that the data source does not override MaxVarcharSize or TextAsLongVarchar, and report it.',
  });
}
