/**
 * What a destination makes of the stream: a map for each table, by the declared key, and without one by content. UPSERT,
 * UPDATE, DELETE and TRUNCATE are applied as they come.
 *
 * What came after the last checkpoint can be applied or thrown away at a cut: the platform may have done either.
 */
import { FIELD_OF, textOf, type WireMessage, type WireRecord, type WireTable, type WireTables } from './wire';

interface Row {
  readonly values: Map<string, string | null>;
  deleted: boolean;
}

interface Table {
  readonly types: Map<string, string>;
  readonly key: readonly string[];
  readonly rows: Map<string, Row>;
}

/** Added by the service; two loads of one row differ in it. */
const TIME_COLUMN = 'sync_timestamp';

export class Applier {
  state: string | undefined;
  readonly warnings: string[] = [];
  /** Sentences about breaches that no stream may have. */
  readonly breaches: string[] = [];
  private readonly tables = new Map<string, Table>();
  private waiting: WireMessage[] = [];

  /** Schema's answer counts for tables without a SchemaChange so far; after one, the SchemaChange counts. */
  declare(tables: WireTables): void {
    for (const [id, table] of listed(tables)) if (!this.tables.has(id)) this.change(id, table);
  }

  take(message: WireMessage): void {
    this.waiting.push(message);
    if (message.warning !== undefined) this.warnings.push(message.warning.message ?? '');
    if (message.checkpoint === undefined) return;
    this.settle(true);
    this.state = message.checkpoint.state_json;
  }

  /** At the end of a stream: the records after its last checkpoint are applied or dropped. */
  settle(apply: boolean): void {
    if (apply) for (const message of this.waiting) this.apply(message);
    this.waiting = [];
  }

  /** Live rows, by table. */
  live(id: string): readonly ReadonlyMap<string, string | null>[] {
    const rows = [...(this.tables.get(id)?.rows.values() ?? [])];
    return rows.filter(({ deleted }) => !deleted).map(({ values }) => values);
  }

  typeOf(id: string, column: string): string | undefined {
    return this.tables.get(id)?.types.get(column);
  }

  private apply(message: WireMessage): void {
    if (message.schema_change !== undefined)
      for (const [id, table] of listed(message.schema_change)) this.change(id, table);
    for (const record of message.records?.records ?? (message.record === undefined ? [] : [message.record]))
      this.applyRecord(record);
  }

  private change(id: string, { columns = [] }: WireTable): void {
    const held = this.tables.get(id)?.rows ?? new Map<string, Row>();
    const key = columns.filter(({ primary_key: isKey }) => isKey === true).map(({ name }) => name);
    const before = this.tables.get(id)?.key;
    const rows = before === undefined || before.join('\0') === key.join('\0') ? held : rekeyed(held, key);
    this.tables.set(id, { types: new Map(columns.map(({ name, type = '' }) => [name, type])), key, rows });
  }

  private applyRecord(record: WireRecord): void {
    const id = nameOf(record.schema_name, record.table_name);
    const table = this.tables.get(id);
    if (table === undefined) {
      this.breach(`A record of ${id}, which was never declared.`);
      return;
    }
    if (record.type === 'TRUNCATE') {
      for (const row of table.rows.values()) row.deleted = true;
      return;
    }
    const data = Object.entries(record.data ?? {});
    for (const [column, value] of data) {
      const type = table.types.get(column);
      if (value.inner !== 'null' && value.inner !== FIELD_OF[type ?? ''])
        this.breach(`${id}.${column} was declared ${type ?? 'never'}, and came as ${value.inner}.`);
    }
    // The wire's own form stands in the key: a platform need not write a date as PostgreSQL does.
    const identified = table.key.length > 0 ? table.key : data.map(([column]) => column).sort();
    const key = identified
      .filter((column) => column !== TIME_COLUMN)
      .map((column) => {
        const value = record.data?.[column];
        if (value === undefined) this.breach(`A ${record.type ?? 'UPSERT'} of ${id} without its key ${column}.`);
        return value === undefined ? '' : `${value.inner}:${textOf(value)}`;
      })
      .join('\0');
    const row = table.rows.get(key) ?? { values: new Map<string, string | null>(), deleted: false };
    row.deleted = record.type === 'DELETE';
    for (const [column, value] of data) row.values.set(column, textOf(value));
    table.rows.set(key, row);
  }

  private breach(sentence: string): void {
    if (this.breaches.length < 20) this.breaches.push(sentence);
  }
}

export function nameOf(schema: string | undefined, table: string | undefined): string {
  return schema === undefined || schema === '' ? (table ?? '') : `${schema}.${table}`;
}

function* listed(tables: WireTables): Generator<[string, WireTable], void, void> {
  for (const table of tables.without_schema?.tables ?? []) yield [table.name, table];
  for (const { name, tables: list = [] } of tables.with_schema?.schemas ?? [])
    for (const table of list) yield [nameOf(name, table.name), table];
}

/** Another key: the present rows stay, and the new ones cannot match them; a load must mark them deleted. */
function rekeyed(rows: ReadonlyMap<string, Row>, key: readonly string[]): Map<string, Row> {
  return new Map([...rows.values()].map((row, index) => [`former ${key.join()} ${index} ${Math.random()}`, row]));
}
