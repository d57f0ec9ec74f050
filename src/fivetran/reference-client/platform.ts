/**
 * One round of the platform: form, tests, schema, selection, update; data to a file, state to the next round.
 *
 * This folder plays the platform, for tests and for `scripts/grpc-client.js`, and the product does not load it. It
 * holds the service to the rules of the stream (`stream-rules`, `value-rules`) and writes what arrives into a DuckDB file.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SelectionMessage, TableSelectionMessage } from '../selection';
import { recordsOf, ReferenceClient } from './client';
import { declaredTables, tableId, type DeclaredColumn, type DeclaredTable, type TablesMessage } from './messages';
import { StreamRules, type StreamCounts } from './stream-rules';
import { ReferenceWarehouse } from './warehouse';

export interface PlatformOptions {
  readonly address: string;
  /** PEM of the authority that signed the service's certificate; without it, no TLS. */
  readonly authority?: Buffer | undefined;
  readonly configuration: Readonly<Record<string, string>>;
  readonly warehousePath: string;
  /** Kept from one round to the next. */
  readonly statePath: string;
  /** Changes the selection as a user would; without it, everything is selected by name. */
  readonly deselect?: (table: DeclaredTable, column: DeclaredColumn | undefined) => boolean;
  readonly say?: (line: string) => void;
}

export interface RoundReport {
  readonly counts: StreamCounts;
  readonly breaches: readonly string[];
  readonly warnings: readonly string[];
  readonly tables: readonly DeclaredTable[];
  readonly seconds: number;
}

interface FormMessage {
  readonly fields?: readonly { readonly name?: string; readonly label?: string }[];
  readonly tests?: readonly { readonly name?: string; readonly label?: string }[];
}

interface TestMessage {
  readonly success?: boolean;
  readonly failure?: string;
}

/** Rejects with a ServiceError where the service answers with a status, with an Error where a test fails. */
export async function runRound(options: PlatformOptions): Promise<RoundReport> {
  const { configuration, say = (): void => undefined } = options;
  const started = performance.now();
  const client = new ReferenceClient(options.address, options.authority);
  const breaches: string[] = [];
  const warnings: string[] = [];
  try {
    const form = await client.call<FormMessage>('ConfigurationForm', {});
    if ((form.fields ?? []).some(({ name, label }) => !name || !label))
      breaches.push('A form field without name or label.');
    for (const { name = '' } of form.tests ?? []) {
      const result = await client.call<TestMessage>('Test', { name, configuration });
      say(`Test ${name}: ${result.success === true ? 'success' : (result.failure ?? 'no answer')}`);
      if (result.success !== true) throw new Error(`Test ${name} failed: ${result.failure ?? ''}`);
    }
    const tables = declaredTables(await client.call<TablesMessage>('Schema', { configuration }));
    say(`Schema: ${tables.length} ${tables.length === 1 ? 'table' : 'tables'}`);
    const counts = await receive(client, options, tables, breaches, warnings);
    const seconds = (performance.now() - started) / 1000;
    return { counts, breaches, warnings, tables, seconds };
  } finally {
    client.close();
  }
}

async function receive(
  client: ReferenceClient,
  options: PlatformOptions,
  tables: readonly DeclaredTable[],
  breaches: string[],
  warnings: string[],
): Promise<StreamCounts> {
  const deselected = options.deselect ?? ((): boolean => false);
  // The latest SchemaChange counts rather than Schema's answer, until the next one.
  const told = new Map(rememberedTables(options).map((table) => [tableId(table), table]));
  const known = tables.map((table) => told.get(tableId(table)) ?? table);
  const rules = new StreamRules(known, (table, column) => !deselected(table, column));
  const warehouse = await ReferenceWarehouse.open(options.warehousePath);
  try {
    const request = {
      configuration: options.configuration,
      selection: selectionOf(tables, deselected),
      ...(existsSync(options.statePath) ? { state_json: readFileSync(options.statePath, 'utf8') } : {}),
    };
    for await (const received of client.update(request)) {
      const { message, bytes } = received as Parameters<StreamRules['check']>[0];
      rules.check({ message, bytes });
      for (const record of recordsOf(message)) {
        const table = rules.table(tableId({ schema: record.schema_name ?? '', name: record.table_name ?? '' }));
        if (table === undefined) continue;
        if (deselected(table, undefined)) breaches.push(`A record of ${tableId(table)}, which is not selected.`);
        const columns = table.columns.filter((column) => column.key || !deselected(table, column));
        warehouse.add({ ...table, columns }, record);
      }
      for (const table of declaredTables(message.schema_change ?? {})) told.set(tableId(table), table);
      if (message.warning?.message !== undefined) warnings.push(message.warning.message);
      if (message.checkpoint === undefined) continue;
      // The state is stored after the data: after a crash in between, the same records come again.
      await warehouse.commit();
      mkdirSync(dirname(options.statePath), { recursive: true });
      writeFileSync(toldPath(options), JSON.stringify([...told.values()]));
      writeFileSync(options.statePath, message.checkpoint.state_json ?? '');
    }
    rules.end();
  } finally {
    breaches.push(...rules.breaches);
    warehouse.close();
  }
  return rules.counts;
}

function toldPath({ statePath }: PlatformOptions): string {
  return `${statePath}.schema`;
}

/** Tables as SchemaChanges of earlier rounds described them. */
function rememberedTables(options: PlatformOptions): readonly DeclaredTable[] {
  if (!existsSync(options.statePath) || !existsSync(toldPath(options))) return [];
  return JSON.parse(readFileSync(toldPath(options), 'utf8')) as readonly DeclaredTable[];
}

/** The selection in the platform's form: everything by name, and new tables and columns as well. */
function selectionOf(
  tables: readonly DeclaredTable[],
  deselected: (table: DeclaredTable, column: DeclaredColumn | undefined) => boolean,
): SelectionMessage {
  const select = (table: DeclaredTable): TableSelectionMessage => ({
    included: !deselected(table, undefined),
    table_name: table.name,
    columns: Object.fromEntries(table.columns.map((column) => [column.name, column.key || !deselected(table, column)])),
    include_new_columns: true,
  });
  if (tables.every(({ schema }) => schema === ''))
    return { without_schema: { tables: tables.map(select), include_new_tables: true } };
  const schemas = [...new Set(tables.map(({ schema }) => schema))].map((schema) => ({
    included: true,
    schema_name: schema,
    tables: tables.filter((table) => table.schema === schema).map(select),
    include_new_tables: true,
  }));
  return { with_schema: { schemas, include_new_schemas: true } };
}
