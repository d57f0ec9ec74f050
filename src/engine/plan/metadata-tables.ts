/** The two tables that describe the source: one row per table and one per column, appended at each sync. */
import { createHash } from 'node:crypto';
import type { DestinationTable } from '../../destinations/destination';
import { packValues, PackedBatch } from '../../model/packed-batch';
import type { TableSchema } from '../../model/table';
import type { ColumnType } from '../../model/column-type';

const STRING: ColumnType = { kind: 'string' };
const INT32: ColumnType = { kind: 'int32' };
const TIMESTAMPTZ: ColumnType = { kind: 'timestamptz' };

export const METADATA_TABLE_NAMES = ['postgres_table', 'postgres_column'] as const;

function metadataTable(
  name: string,
  columns: readonly [string, ColumnType][],
  primaryKey: readonly string[],
): DestinationTable {
  return {
    key: name,
    name,
    columns: columns.map(([column, type]) => ({ name: column, type })),
    primaryKey,
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
}

const TABLES = metadataTable(
  'postgres_table',
  [
    ['table_name', STRING],
    ['schema_name', STRING],
    ['table_type', STRING],
    ['timestamp', TIMESTAMPTZ],
    ['comment', STRING],
  ],
  ['table_name', 'timestamp'],
);

const COLUMNS = metadataTable(
  'postgres_column',
  [
    ['table_name', STRING],
    ['column_name', STRING],
    ['data_type', STRING],
    ['column_default', STRING],
    ['is_nullable', STRING],
    ['character_max_length', INT32],
    ['timestamp', TIMESTAMPTZ],
  ],
  ['table_name', 'column_name', 'timestamp'],
);

const TABLE_TYPES: Readonly<Record<TableSchema['kind'], string>> = {
  table: 'BASE TABLE',
  partitioned: 'BASE TABLE',
  materialized_view: 'MATERIALIZED VIEW',
  foreign: 'FOREIGN',
  view: 'VIEW',
};

/** Digest of all that `describeTables` says about a table, without the time. */
export function describeTable(table: TableSchema): string {
  const columns = table.columns.map((column) => [
    column.name,
    column.informationSchemaType,
    column.defaultExpression,
    column.nullable,
    column.characterMaxLength,
  ]);
  const text = JSON.stringify([table.name, table.schema, table.kind, table.comment, columns]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

export interface MetadataRows {
  readonly table: DestinationTable;
  readonly batch: PackedBatch;
}

/**
 * `timestamp` is part of both keys, and the schema is not. So tables of one name in two schemas get times one
 * microsecond apart, or their rows would be one.
 */
export function describeTables(tables: readonly TableSchema[], at: Date): MetadataRows[] {
  const times = tables.map((_, index) => plusMicroseconds(at, index));
  const tableRows = tables.map((table, index) => [
    table.name,
    table.schema,
    TABLE_TYPES[table.kind],
    times[index] ?? null,
    table.comment,
  ]);
  const columnRows = tables.flatMap((table, index) =>
    table.columns.map((column) => [
      table.name,
      column.name,
      column.informationSchemaType,
      column.defaultExpression,
      column.nullable ? 'YES' : 'NO',
      column.characterMaxLength?.toString() ?? null,
      times[index] ?? null,
    ]),
  );
  return [
    { table: TABLES, batch: transpose(tableRows, TABLES.columns.length) },
    { table: COLUMNS, batch: transpose(columnRows, COLUMNS.columns.length) },
  ];
}

function transpose(rows: readonly (readonly (string | null)[])[], columns: number): PackedBatch {
  return new PackedBatch(
    rows.length,
    Array.from({ length: columns }, (_, column) => packValues(rows.map((row) => row[column] ?? null))),
  );
}

/** ISO time with microseconds; `count` may exceed a second. */
function plusMicroseconds(at: Date, count: number): string {
  const milliseconds = new Date(at.getTime() + Math.floor(count / 1000)).toISOString().slice(0, -1);
  return `${milliseconds}${String(count % 1000).padStart(3, '0')}Z`;
}
