/** Compares a table of PostgreSQL with its table of the warehouse, value by value, as sorted text. */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { canonical, isFloat, sourceText, warehouseValue, type SourceColumn } from './compare-canonical';
import type { WarehouseReader } from './warehouse-access';

export { openWarehouse, withWarehouse, type WarehouseReader } from './warehouse-access';

export interface ComparedTable {
  readonly schema: string;
  readonly name: string;
  /** By default `source_{schema}_{name}`. */
  readonly destination?: string;
  /** The schema of the warehouse. */
  readonly destinationSchema?: string;
  /** Source column -> column of the warehouse, where they differ. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Source column -> SQL for what the warehouse should hold in its place, of the same type. */
  readonly replaced?: Readonly<Record<string, string>>;
  /** SQL condition for the rows of the source that are wanted; by default all. */
  readonly where?: string;
}

export interface Comparison {
  /** Rows of the source. */
  readonly rows: number;
  /** Rows that the warehouse should hold and does not, as JSON. The first few. */
  readonly missing: readonly string[];
  /** Rows that the warehouse holds and should not hold. The first few. */
  readonly unexpected: readonly string[];
}

/** The result of `compareTable` for a faithful copy. */
export function same(rows: number): Comparison {
  return { rows, missing: [], unexpected: [] };
}

const SHOWN = 3;
/** Columns that the product adds; a source column of such a name is compared under its new name. */
const ADDED = new Set(['sync_timestamp', '_fivetran_synced', '_fivetran_deleted', '_fivetran_id']);

export async function compareTable(
  client: Client,
  warehouse: WarehouseReader,
  table: ComparedTable,
): Promise<Comparison> {
  const schema = table.destinationSchema ?? 'tester';
  const destination = table.destination ?? `source_${table.schema}_${table.name}`;
  const columns = await sourceColumns(client, table);
  const nameOf = (column: SourceColumn): string => table.renamed?.[column.name] ?? column.name;
  const stored = await storedTypes(warehouse, schema, destination);
  const extra = [...stored.keys()].filter((name) => !ADDED.has(name) && !columns.some((it) => nameOf(it) === name));
  if (extra.length > 0) throw new Error(`${destination} has columns that the source lacks: ${extra.join(', ')}`);
  const storedType = (column: SourceColumn): string => {
    const type = stored.get(nameOf(column));
    if (type === undefined) throw new Error(`${destination} lacks column ${nameOf(column)}.`);
    return type;
  };
  const expected = await sourceRows(client, table, columns, storedType);
  const actual = await warehouseRows(
    warehouse,
    `${quoted(schema)}.${quoted(destination)}`,
    columns,
    nameOf,
    storedType,
  );
  return { rows: expected.length, ...differences(expected, actual) };
}

async function sourceColumns(client: Client, table: ComparedTable): Promise<SourceColumn[]> {
  const { rows } = await client.query<SourceColumn>(
    `WITH RECURSIVE base AS (
       SELECT a.attnum, a.attname, a.atttypid AS oid FROM pg_attribute a
       WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
       UNION ALL
       SELECT b.attnum, b.attname, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd')
     SELECT b.attname AS name, t.typname AS type, t.typtype AS kind, t.typcategory = 'A' AND t.typlen = -1 AS "isArray"
     FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype <> 'd' ORDER BY b.attnum`,
    [`${client.escapeIdentifier(table.schema)}.${client.escapeIdentifier(table.name)}`],
  );
  return rows;
}

async function sourceRows(
  client: Client,
  table: ComparedTable,
  columns: readonly SourceColumn[],
  storedType: (column: SourceColumn) => string,
): Promise<string[]> {
  await client.query(
    `SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1`,
  );
  const cells = columns.map((column) =>
    sourceText(table.replaced?.[column.name] ?? client.escapeIdentifier(column.name), column, storedType(column)),
  );
  const from = `${client.escapeIdentifier(table.schema)}.${client.escapeIdentifier(table.name)}`;
  const where = table.where === undefined ? '' : ` WHERE ${table.where}`;
  // A list without columns is allowed to PostgreSQL, but the client then returns no rows.
  const { rows } = await client.query<unknown[]>({
    text: `SELECT ${[...cells, 'NULL'].join(', ')} FROM ${from}${where}`,
    rowMode: 'array',
  });
  return rows.map((row) => rowText(columns, row));
}

async function storedTypes(
  warehouse: WarehouseReader,
  schema: string,
  destination: string,
): Promise<ReadonlyMap<string, string>> {
  const rows = await warehouse.rows(
    `SELECT column_name, data_type FROM information_schema.columns
     WHERE table_schema = ${quotedLiteral(schema)} AND table_name = ${quotedLiteral(destination)}`,
  );
  if (rows.length === 0) throw new Error(`The warehouse has no table ${destination}.`);
  return new Map(rows.map(([name, type]) => [String(name), String(type)]));
}

/** `place`: quoted. */
async function warehouseRows(
  warehouse: WarehouseReader,
  place: string,
  columns: readonly SourceColumn[],
  nameOf: (column: SourceColumn) => string,
  storedType: (column: SourceColumn) => string,
): Promise<string[]> {
  const cells = columns.map((column) => {
    const value = warehouseValue(quoted(nameOf(column)), column, storedType(column));
    // DuckDB's client drops a byte order mark at the start of a text, so no text may start with one.
    return isFloat(storedType(column)) ? value : `'=' || ${value}`;
  });
  const rows = await warehouse.rows(
    `SELECT ${[...cells, 'NULL'].join(', ')} FROM ${place} WHERE NOT _fivetran_deleted`,
  );
  return rows.map((row) =>
    rowText(
      columns,
      row.map((value) => (typeof value === 'string' ? value.slice(1) : value)),
    ),
  );
}

function rowText(columns: readonly SourceColumn[], row: readonly unknown[]): string {
  const text = JSON.stringify(columns.map((column, index) => canonical(row[index], column)));
  // Long rows are shown by their digest, so that a failed test can still be read.
  return text.length < 2_000
    ? text
    : `${text.length} characters, sha256 ${createHash('sha256').update(text).digest('hex')}`;
}

function differences(expected: string[], actual: string[]): { missing: string[]; unexpected: string[] } {
  expected.sort();
  actual.sort();
  const missing: string[] = [];
  const unexpected: string[] = [];
  for (let e = 0, a = 0; e < expected.length || a < actual.length;) {
    const left = expected[e];
    const right = actual[a];
    if (left === right) [e, a] = [e + 1, a + 1];
    else if (right === undefined || (left !== undefined && left < right)) {
      missing.push(left ?? '');
      e += 1;
    } else {
      unexpected.push(right);
      a += 1;
    }
  }
  return { missing: missing.slice(0, SHOWN), unexpected: unexpected.slice(0, SHOWN) };
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quotedLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
