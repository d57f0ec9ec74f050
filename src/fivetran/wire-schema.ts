/** Tables and columns as the service describes them, in the shape of the .proto. */
import type { DestinationTable } from '../destinations/destination';
import type { ColumnType } from '../model/column-type';
import type { WireName } from './wire-names';

const DATA_TYPES: Readonly<Record<ColumnType['kind'], string>> = {
  boolean: 'BOOLEAN',
  int16: 'SHORT',
  int32: 'INT',
  int64: 'LONG',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  decimal: 'DECIMAL',
  'decimal-unbounded': 'DECIMAL',
  date: 'NAIVE_DATE',
  timestamp: 'NAIVE_DATETIME',
  timestamptz: 'UTC_DATETIME',
  binary: 'BINARY',
  xml: 'XML',
  string: 'STRING',
  json: 'JSON',
};

export interface ColumnMessage {
  readonly name: string;
  readonly type: string;
  readonly primary_key: boolean;
  readonly params?: { readonly decimal: { readonly precision: number; readonly scale: number } };
}

export interface TableMessage {
  readonly name: string;
  readonly columns: readonly ColumnMessage[];
}

export interface NamedTable {
  readonly name: WireName;
  readonly message: TableMessage;
}

/** We add these to every table; the platform adds the other system columns. */
export const TIME_COLUMN = 'sync_timestamp';

export type SecondsType = 'float32' | 'float64';

export function describeTable(
  table: Pick<DestinationTable, 'columns' | 'primaryKey'>,
  name: WireName,
  secondsType: SecondsType,
): NamedTable {
  const columns = [...table.columns, { name: TIME_COLUMN, type: { kind: secondsType } }];
  return {
    name,
    message: {
      name: name.tableName,
      columns: columns.map((column) =>
        describeColumn(column.name, column.type, table.primaryKey.includes(column.name)),
      ),
    },
  };
}

function describeColumn(name: string, type: ColumnType, primaryKey: boolean): ColumnMessage {
  return {
    name,
    type: DATA_TYPES[type.kind],
    primary_key: primaryKey,
    ...(type.kind === 'decimal' ? { params: { decimal: { precision: type.precision, scale: type.scale } } } : {}),
  };
}

/** The part that SchemaResponse and SchemaChange share: one list, or one list a schema. */
export function tableLists(tables: readonly NamedTable[], withSchema: boolean): object {
  if (!withSchema) return { without_schema: { tables: tables.map(({ message }) => message) } };
  const schemas = new Map<string, TableMessage[]>();
  for (const { name, message } of tables) {
    const schema = name.schemaName ?? '';
    schemas.set(schema, [...(schemas.get(schema) ?? []), message]);
  }
  return { with_schema: { schemas: [...schemas].map(([name, list]) => ({ name, tables: list })) } };
}
