/** The platform's selection of tables and columns, by their names on the wire. */
import { ConnectorError } from '../common/errors';
import type { SourceSelection, TableName } from '../model/source-selection';
import { wireText, type WireName, type WireNames } from './wire-names';

export interface TableSelectionMessage {
  readonly included?: boolean;
  readonly table_name?: string;
  readonly columns?: Readonly<Record<string, boolean>>;
  readonly include_new_columns?: boolean;
}

export interface SelectionMessage {
  readonly without_schema?: {
    readonly tables?: readonly TableSelectionMessage[];
    readonly include_new_tables?: boolean;
  };
  readonly with_schema?: {
    readonly schemas?: readonly {
      readonly included?: boolean;
      readonly schema_name?: string;
      readonly tables?: readonly TableSelectionMessage[];
      readonly include_new_tables?: boolean;
    }[];
    readonly include_new_schemas?: boolean;
  };
}

interface SelectedTable {
  readonly included: boolean;
  readonly columns: ReadonlyMap<string, boolean>;
  readonly newColumns: boolean;
}

interface SelectedSchema {
  readonly included: boolean;
  readonly tables: ReadonlyMap<string, SelectedTable>;
  readonly newTables: boolean;
}

const NO_TABLES: ReadonlyMap<string, SelectedTable> = new Map();

export class Selection implements SourceSelection {
  /** By schema; tables without schemas stand in one list under ''. undefined: everything is selected. */
  private readonly schemas: ReadonlyMap<string, SelectedSchema> | undefined;
  private readonly newSchemas: SelectedSchema;

  constructor(
    message: SelectionMessage | null | undefined,
    private readonly names: WireNames,
  ) {
    const { with_schema: withSchema, without_schema: withoutSchema } = message ?? {};
    if (names.withSchema ? withoutSchema !== undefined : withSchema !== undefined) throw otherForm(names.withSchema);
    this.newSchemas = { included: withSchema?.include_new_schemas === true, tables: NO_TABLES, newTables: true };
    if (withSchema !== undefined) {
      this.schemas = new Map(
        (withSchema.schemas ?? []).map((schema) => [
          schema.schema_name ?? '',
          selectedSchema(schema.included === true, schema.tables, schema.include_new_tables),
        ]),
      );
    } else if (withoutSchema !== undefined) {
      this.schemas = new Map([['', selectedSchema(true, withoutSchema.tables, withoutSchema.include_new_tables)]]);
    }
  }

  /** A table without a schema is one of the two that describe the source. */
  includesTable(table: TableName): boolean {
    return this.includesName(this.wireName(table));
  }

  includesColumn(table: TableName, column: string): boolean {
    const selected = this.tableOf(this.wireName(table));
    return selected === undefined || (selected.columns.get(column) ?? selected.newColumns);
  }

  /** Tables and columns that are selected by name; deselected ones need not exist. */
  *namedTables(): Generator<{ readonly name: WireName; readonly columns: readonly string[] }, void, void> {
    for (const [schema, { included, tables }] of this.schemas ?? []) {
      if (!included) continue;
      for (const [tableName, table] of tables) {
        if (!table.included) continue;
        const columns = [...table.columns].filter(([, wanted]) => wanted).map(([column]) => column);
        yield { name: { schemaName: this.names.withSchema ? schema : undefined, tableName }, columns };
      }
    }
  }

  private wireName(table: TableName): WireName {
    return table.schema === '' ? this.names.ofMetadata(table.name) : this.names.of(table);
  }

  private schemaOf(name: WireName): SelectedSchema | undefined {
    return this.schemas === undefined ? undefined : (this.schemas.get(name.schemaName ?? '') ?? this.newSchemas);
  }

  private tableOf(name: WireName): SelectedTable | undefined {
    return this.schemaOf(name)?.tables.get(name.tableName);
  }

  private includesName(name: WireName): boolean {
    const schema = this.schemaOf(name);
    if (schema === undefined) return true;
    return schema.included && (schema.tables.get(name.tableName)?.included ?? schema.newTables);
  }
}

/** Names that are selected but do not exist: a mistake, unless an earlier sync had them. */
export function unknownTable(name: WireName): ConnectorError {
  return new ConnectorError(`The selection names table ${wireText(name)}, which does not exist.`, {
    code: 'selection_unknown_table',
    kind: 'configuration',
    hint: 'Call Schema for the tables that exist, and select among those.',
  });
}

export function unknownColumn(name: WireName, column: string): ConnectorError {
  return new ConnectorError(`The selection names column ${column} of ${wireText(name)}, which does not exist.`, {
    code: 'selection_unknown_column',
    kind: 'configuration',
    hint: 'Call Schema for the columns that exist, and select among those.',
  });
}

function selectedSchema(
  included: boolean,
  tables: readonly TableSelectionMessage[] | undefined,
  newTables: boolean | undefined,
): SelectedSchema {
  return {
    included,
    tables: new Map((tables ?? []).map((table) => [table.table_name ?? '', selectedTable(table)])),
    newTables: newTables === true,
  };
}

function selectedTable(table: TableSelectionMessage): SelectedTable {
  return {
    included: table.included === true,
    columns: new Map(Object.entries(table.columns ?? {})),
    newColumns: table.include_new_columns === true,
  };
}

function otherForm(withSchema: boolean): ConnectorError {
  const [wanted, found] = withSchema ? ['with_schema', 'without_schema'] : ['without_schema', 'with_schema'];
  return new ConnectorError(`The selection is made ${found}, but the tables are described ${wanted}.`, {
    code: 'selection_form',
    kind: 'configuration',
    hint: 'Select among the tables that Schema returns for this configuration ("with_schema" decides their form).',
  });
}
