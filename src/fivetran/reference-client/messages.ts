/** The messages of the .proto as the decoder returns them: enums and int64 as text, defaults left out. */
export interface Timestamp {
  readonly seconds?: string;
  readonly nanos?: number;
}

/** A oneof: `inner` names the field that is set. */
export interface ValueMessage {
  readonly inner?: string;
  readonly bool?: boolean;
  readonly short?: number;
  readonly int?: number;
  readonly long?: string;
  readonly float?: number;
  readonly double?: number;
  readonly naive_date?: Timestamp;
  readonly naive_datetime?: Timestamp;
  readonly utc_datetime?: Timestamp;
  readonly decimal?: string;
  readonly binary?: Buffer;
  readonly string?: string;
  readonly json?: string;
  readonly xml?: string;
}

export interface RecordMessage {
  readonly schema_name?: string;
  readonly table_name?: string;
  readonly type?: 'UPSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';
  readonly data?: Readonly<Record<string, ValueMessage>>;
}

export interface ColumnMessage {
  readonly name?: string;
  readonly type?: string;
  readonly primary_key?: boolean;
  readonly params?: { readonly decimal?: { readonly precision?: number; readonly scale?: number } };
}

export interface TableMessage {
  readonly name?: string;
  readonly columns?: readonly ColumnMessage[];
}

export interface TablesMessage {
  readonly without_schema?: { readonly tables?: readonly TableMessage[] };
  readonly with_schema?: {
    readonly schemas?: readonly { readonly name?: string; readonly tables?: readonly TableMessage[] }[];
  };
}

export interface UpdateMessage {
  readonly operation?: string;
  readonly record?: RecordMessage;
  readonly records?: { readonly records?: readonly RecordMessage[] };
  readonly schema_change?: TablesMessage;
  readonly checkpoint?: { readonly state_json?: string };
  readonly warning?: { readonly message?: string };
  readonly task?: { readonly message?: string };
}

export interface DeclaredColumn {
  readonly name: string;
  readonly type: string;
  readonly key: boolean;
  readonly decimal: { readonly precision: number; readonly scale: number } | undefined;
}

export interface DeclaredTable {
  /** Empty where tables have no schema. */
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly DeclaredColumn[];
}

export function declaredTables(message: TablesMessage): readonly DeclaredTable[] {
  const groups = message.with_schema?.schemas ?? [{ name: '', tables: message.without_schema?.tables ?? [] }];
  return groups.flatMap(({ name: schema = '', tables = [] }) =>
    tables.map(({ name = '', columns = [] }) => ({ schema, name, columns: columns.map(declaredColumn) })),
  );
}

function declaredColumn({
  name = '',
  type = 'UNSPECIFIED',
  primary_key: key = false,
  params,
}: ColumnMessage): DeclaredColumn {
  const decimal = params?.decimal;
  return {
    name,
    type,
    key,
    decimal: decimal === undefined ? undefined : { precision: decimal.precision ?? 0, scale: decimal.scale ?? 0 },
  };
}

export function tableId(table: { readonly schema: string; readonly name: string }): string {
  return table.schema === '' ? table.name : `${table.schema}.${table.name}`;
}
