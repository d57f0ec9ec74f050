/**
 * The platform's destination: a DuckDB file with the tables of the stream.
 *
 * Records are gathered and applied at each checkpoint. An upsert replaces the row of its key and brings it
 * back to life; TRUNCATE and DELETE mark rows deleted. Tables without a key are told apart by content, as the
 * platform does it; other than there, copies of a row are kept apart by a number.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { literal, quoted } from '../../destinations/duckdb';
import type { DeclaredColumn, DeclaredTable, RecordMessage } from './messages';
import { valueText } from './value-text';
import { TIME_COLUMN } from '../wire-schema';

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  BOOLEAN: 'BOOLEAN',
  SHORT: 'SMALLINT',
  INT: 'INTEGER',
  LONG: 'BIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  NAIVE_DATE: 'DATE',
  NAIVE_DATETIME: 'TIMESTAMP',
  UTC_DATETIME: 'TIMESTAMP WITH TIME ZONE',
  BINARY: 'BLOB',
  XML: 'VARCHAR',
  STRING: 'VARCHAR',
  JSON: 'JSON',
};
const MOST_DIGITS = 38;
const STAGE = 'reference_stage';
const APPLIED = 'reference_applied';
const ID = '_fivetran_id';

interface Operation {
  readonly type: 'UPSERT' | 'DELETE' | 'TRUNCATE';
  readonly values: readonly (string | null)[];
}

interface Pending {
  table: DeclaredTable;
  operations: Operation[];
}

export class ReferenceWarehouse {
  private readonly pending = new Map<string, Pending>();
  /** For each table without a key: how often a content has come since its last TRUNCATE. */
  private readonly copies = new Map<string, Map<string, number>>();

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
    private readonly schema: string,
  ) {}

  static async open(path: string, schema = 'tester'): Promise<ReferenceWarehouse> {
    mkdirSync(dirname(path), { recursive: true });
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`);
    return new ReferenceWarehouse(instance, connection, schema);
  }

  add(table: DeclaredTable, record: RecordMessage): void {
    const name = warehouseName(table);
    const pending = this.pending.get(name) ?? { table, operations: [] };
    this.pending.set(name, pending);
    pending.table = table;
    pending.operations.push({
      type: record.type === 'DELETE' || record.type === 'TRUNCATE' ? record.type : 'UPSERT',
      values: table.columns.map((column) => valueText(record.data?.[column.name])),
    });
  }

  /** Applies the records since the last checkpoint. After a crash the same records come again. */
  async commit(): Promise<void> {
    for (const [name, { table, operations }] of this.pending) {
      await this.prepareTable(name, table);
      // Records are applied in order, because those before a TRUNCATE have another meaning than those after it.
      for (let from = 0; from < operations.length;) {
        const type = operations[from]?.type ?? 'UPSERT';
        let to = from + 1;
        while (to < operations.length && operations[to]?.type === type) to += 1;
        await this.apply(name, table, type, operations.slice(from, to));
        from = to;
      }
    }
    this.pending.clear();
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  private qualified(name: string): string {
    return `${quoted(this.schema)}.${quoted(name)}`;
  }

  private async columnTypes(name: string): Promise<Map<string, string>> {
    const reader = await this.connection.runAndReadAll(
      `SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = ${literal(this.schema)} AND table_name = ${literal(name)}`,
    );
    return new Map(reader.getRows().map((row) => [String(row[0]), String(row[1])]));
  }

  private async prepareTable(name: string, table: DeclaredTable): Promise<void> {
    const present = await this.columnTypes(name);
    if (present.size === 0) {
      const columns = table.columns.map((column) => `${quoted(column.name)} ${duckdbType(column)}`);
      const added = ['_fivetran_synced TIMESTAMP WITH TIME ZONE', '_fivetran_deleted BOOLEAN'];
      if (!hasKey(table)) added.push(`${ID} VARCHAR`);
      await this.connection.run(`CREATE TABLE ${this.qualified(name)} (${[...columns, ...added].join(', ')})`);
      return;
    }
    for (const column of table.columns) {
      const type = present.get(column.name);
      if (type === undefined)
        await this.connection.run(
          `ALTER TABLE ${this.qualified(name)} ADD COLUMN ${quoted(column.name)} ${duckdbType(column)}`,
        );
      else if (duckdbType(column) === 'VARCHAR' && type !== 'VARCHAR') await this.retype(name, column, 'VARCHAR');
    }
  }

  private async retype(name: string, column: DeclaredColumn, type: string): Promise<void> {
    await this.connection.run(`ALTER TABLE ${this.qualified(name)} ALTER ${quoted(column.name)} TYPE ${type}`);
  }

  private async apply(
    name: string,
    table: DeclaredTable,
    type: Operation['type'],
    operations: readonly Operation[],
  ): Promise<void> {
    const target = this.qualified(name);
    if (type === 'TRUNCATE') {
      this.copies.delete(name);
      await this.connection.run(
        `UPDATE ${target} SET _fivetran_deleted = true, _fivetran_synced = now() WHERE NOT _fivetran_deleted`,
      );
      return;
    }
    await this.stage(name, table, operations);
    const keys = (hasKey(table) ? table.columns.filter(({ key }) => key).map((column) => column.name) : [ID]).map(
      quoted,
    );
    if (type === 'UPSERT') await this.fitDecimals(name, table);
    const types = await this.columnTypes(name);
    const values = table.columns.map((column, index) => castFrom(`c${index}`, types.get(column.name) ?? 'VARCHAR'));
    const names = [...table.columns.map((column) => quoted(column.name)), ...(hasKey(table) ? [] : [ID])];
    await this.connection.run(
      `CREATE OR REPLACE TEMP TABLE ${APPLIED} AS SELECT * FROM (SELECT ${[
        ...values,
        ...(hasKey(table) ? [] : ['row_id']),
      ]
        .map((value, index) => `${value} AS ${names[index] ?? ''}`)
        .join(
          ', ',
        )}, place FROM ${STAGE}) QUALIFY row_number() OVER (PARTITION BY ${keys.join(', ')} ORDER BY place DESC) = 1`,
    );
    const matching = `(${keys.join(', ')}) IN (SELECT ${keys.map((key) => `(${key})`).join(', ')} FROM ${APPLIED})`;
    if (type === 'DELETE') {
      await this.connection.run(
        `UPDATE ${target} SET _fivetran_deleted = true, _fivetran_synced = now() WHERE ${matching}`,
      );
      return;
    }
    await this.connection.run(`DELETE FROM ${target} WHERE ${matching}`);
    await this.connection.run(
      `INSERT INTO ${target} (${names.join(', ')}, _fivetran_synced, _fivetran_deleted) SELECT ${names.join(', ')}, now(), false FROM ${APPLIED}`,
    );
  }

  private async stage(name: string, table: DeclaredTable, operations: readonly Operation[]): Promise<void> {
    const columns = table.columns.map((_, index) => `c${index} VARCHAR`);
    await this.connection.run(
      `CREATE OR REPLACE TEMP TABLE ${STAGE} (${[...columns, 'row_id VARCHAR', 'place BIGINT'].join(', ')})`,
    );
    const appender = await this.connection.createAppender(STAGE, undefined, 'temp');
    const keyed = hasKey(table);
    for (const [place, { values }] of operations.entries()) {
      for (const value of values) {
        if (value === null) appender.appendNull();
        else appender.appendVarchar(value);
      }
      if (keyed) appender.appendNull();
      else appender.appendVarchar(this.identity(name, table, values));
      appender.appendBigInt(BigInt(place));
      appender.endRow();
    }
    appender.closeSync();
  }

  /** The identity of a row without a key is its content, without the time of its sync. */
  private identity(name: string, table: DeclaredTable, values: readonly (string | null)[]): string {
    const content = values.filter((_, index) => table.columns[index]?.name !== TIME_COLUMN);
    const hash = createHash('md5').update(JSON.stringify(content)).digest('hex');
    const copies = this.copies.get(name) ?? new Map<string, number>();
    this.copies.set(name, copies);
    const copy = (copies.get(hash) ?? 0) + 1;
    copies.set(hash, copy);
    return copy === 1 ? hash : createHash('md5').update(`${hash}#${copy}`).digest('hex');
  }

  /**
   * Columns without declared precision widen with their values, up to DuckDB's largest decimals, and become text
   * beyond.
   */
  private async fitDecimals(name: string, table: DeclaredTable): Promise<void> {
    const types = await this.columnTypes(name);
    for (const [index, column] of table.columns.entries()) {
      const type = types.get(column.name) ?? '';
      if (column.type !== 'DECIMAL' || column.decimal !== undefined || !type.startsWith('DECIMAL')) continue;
      const scale = Number(/,(\d+)\)/.exec(type)?.[1] ?? 0);
      const reader = await this.connection.runAndReadAll(
        `SELECT max(length(ltrim(split_part(ltrim(c${index}, '-'), '.', 1), '0'))), max(length(split_part(c${index}, '.', 2))), ` +
          `(SELECT max(length(ltrim(split_part(ltrim(CAST(${quoted(column.name)} AS VARCHAR), '-'), '.', 1), '0'))) FROM ${this.qualified(name)}) FROM ${STAGE}`,
      );
      const [whole, fraction, before] = (reader.getRows()[0] ?? []).map((value) => Number(value ?? 0));
      const wanted = Math.max(scale, fraction ?? 0);
      if (Math.max(whole ?? 0, before ?? 0) + wanted > MOST_DIGITS) await this.retype(name, column, 'VARCHAR');
      else if (wanted > scale) await this.retype(name, column, `DECIMAL(${MOST_DIGITS},${wanted})`);
    }
  }
}

/** Tables under schemas are told apart by both names. */
function warehouseName(table: DeclaredTable): string {
  return table.schema === '' ? table.name : `${table.schema}.${table.name}`;
}

function hasKey(table: DeclaredTable): boolean {
  return table.columns.some(({ key }) => key);
}

function duckdbType(column: DeclaredColumn): string {
  if (column.type !== 'DECIMAL') return DUCKDB_TYPES[column.type] ?? 'VARCHAR';
  const { precision, scale } = column.decimal ?? { precision: MOST_DIGITS, scale: 0 };
  return `DECIMAL(${precision},${scale})`;
}

function castFrom(text: string, type: string): string {
  if (type === 'VARCHAR') return text;
  return type === 'BLOB' ? `unhex(${text})` : `CAST(${text} AS ${type})`;
}
