/**
 * Computes checksums of a table of the warehouse and reads its rows, without rows marked deleted; model/checksum says
 * what for.
 */
import { checksum, type Checksum, type GroupChecksums } from '../../../model/checksum';
import { isFreeText } from '../../../model/column-type';
import type { DestinationColumn } from '../../destination';
import type { CheckedTable, StoredTable } from '../../stored-table';
import { literal, quoted } from '../types';
import type { Warehouse } from '../warehouse';
import { canonicalStoredText } from './postgres-text';

export class WarehouseTable implements StoredTable {
  private constructor(
    private readonly warehouse: Warehouse,
    private readonly table: CheckedTable,
    private readonly storedTypes: ReadonlyMap<string, string>,
  ) {}

  /** undefined where the warehouse has no such table. */
  static async open(warehouse: Warehouse, table: CheckedTable): Promise<WarehouseTable | undefined> {
    const rows = await warehouse.rows(
      `SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ${literal(table.schema)} ` +
        `AND table_name = ${literal(table.name)} AND database_name = current_database()`,
    );
    if (rows.length === 0) return undefined;
    return new WarehouseTable(warehouse, table, new Map(rows.map((row) => [String(row[0]), String(row[1])])));
  }

  get missingColumns(): string[] {
    return this.table.columns.map((column) => column.name).filter((name) => !this.storedTypes.has(name));
  }

  async total(): Promise<Checksum> {
    return (await this.groups(0)).get(0) ?? checksum(0, 0n, 0n);
  }

  async groups(bits: number): Promise<GroupChecksums> {
    const half = (from: number): string => `CAST(sum(CAST('0x' || substr(h, ${from}, 16) AS UBIGINT)) AS VARCHAR)`;
    const group = bits === 0 ? '0' : this.group(bits);
    const rows = await this.warehouse.rows(
      `SELECT g, count(*), ${half(1)}, ${half(17)} FROM (SELECT md5(${this.row()}) AS h, ${group} AS g FROM ${this.source()}) GROUP BY g`,
    );
    return new Map(
      rows.map((row) => [Number(row[0]), checksum(Number(row[1]), BigInt(String(row[2])), BigInt(String(row[3])))]),
    );
  }

  async rowsOf(groups: readonly number[], bits: number): Promise<(string | null)[][]> {
    const cells = this.table.columns.map((column) => this.canonical(column));
    const rows = await this.warehouse.rows(
      `SELECT ${cells.join(', ')} FROM ${this.source()} AND ${this.group(bits)} IN (${groups.join(', ')})`,
    );
    return rows as (string | null)[][];
  }

  async countDifferent(
    keys: readonly string[],
    rows: readonly string[],
  ): Promise<{ missing: number; changed: number }> {
    const sample = await this.warehouse.prepare(
      "CREATE OR REPLACE TEMP TABLE pgsluice_sample AS SELECT unnest(string_split($1, ',')) AS k, unnest(string_split($2, ',')) AS h",
    );
    await this.warehouse.runPrepared(sample, [keys.join(), rows.join()]);
    const [counts] = await this.warehouse.rows(
      `SELECT count(*) FILTER (w.k IS NULL), count(*) FILTER (w.k IS NOT NULL AND w.h <> s.h) FROM pgsluice_sample AS s ` +
        `LEFT JOIN (SELECT md5(${this.key()}) AS k, md5(${this.row()}) AS h FROM ${this.source()}) AS w ON w.k = s.k`,
    );
    return { missing: Number(counts?.[0]), changed: Number(counts?.[1]) };
  }

  async count(): Promise<number> {
    const [row] = await this.warehouse.rows(`SELECT count(*) FROM ${this.source()}`);
    return Number(row?.[0]);
  }

  private source(): string {
    return `${quoted(this.table.schema)}.${quoted(this.table.name)} WHERE NOT _fivetran_deleted`;
  }

  private canonical(column: DestinationColumn): string {
    const { stored } = this.warehouse.storage;
    return canonicalStoredText(
      quoted(column.name),
      this.storedTypes.get(column.name) ?? 'VARCHAR',
      column.type,
      stored,
    );
  }

  private row(columns: readonly DestinationColumn[] = this.table.columns): string {
    // One call joins all parts: a cell that is joined before them takes longer.
    const cells = columns.map((column) => {
      const text = this.canonical(column);
      if (!isFreeText(column.type)) return `coalesce(${text}, chr(29)), chr(31)`;
      return `CAST(strlen(${text}) AS VARCHAR), CASE WHEN ${text} IS NULL THEN chr(29) ELSE ':' END, ${text}, chr(31)`;
    });
    return cells.length === 0 ? "''" : `concat(${cells.join(', ')})`;
  }

  private key(): string {
    const { columns, primaryKey } = this.table;
    if (primaryKey.length === 0) return this.row();
    return this.row(primaryKey.flatMap((name) => columns.find((column) => column.name === name) ?? []));
  }

  private group(bits: number): string {
    return `(CAST('0x' || substr(md5(${this.key()}), 1, 4) AS INTEGER) >> ${16 - bits})`;
  }
}
