/**
 * What a lake remembers of a load in parts, in tables of schema `_pgsluice`.
 *
 *   parts_HASH             one row for the load, then one for each part that is done
 *   todo_HASH_LOAD_NUMBER  an empty table for each part that is to be done
 *
 * The commit of a part drops its table of the second kind. DuckLake lets no two transactions drop one table, so of two
 * processes that have read the same part one commits. It would let no two transactions delete rows of one table either,
 * and parts that have nothing to do with each other could not be committed at the same time.
 */
import { createHash } from 'node:crypto';
import type { BlockBounds, PartsLoad, PartsStatus } from '../../model/parts';
import { literal, quoted, type Warehouse } from '../duckdb';

const SCHEMA = '_pgsluice';

export class PartRows {
  private readonly hash: string;

  /** `key`: `schema.table` of the source. */
  constructor(schema: string, key: string) {
    this.hash = createHash('sha256').update(`${schema}\0${key}`).digest('hex').slice(0, 24);
  }

  async read(warehouse: Warehouse): Promise<PartsStatus | undefined> {
    const found = await warehouse.rows(
      `SELECT table_name FROM duckdb_tables() WHERE schema_name = '${SCHEMA}' AND database_name = current_database() ` +
        `AND (table_name = ${literal(this.partsTable)} OR starts_with(table_name, ${literal(this.toDoPrefix)}))`,
    );
    const names = new Set(found.map(([name]) => String(name)));
    if (!names.has(this.partsTable)) return undefined;
    const rows = await warehouse.rows(`SELECT number, entry, rows FROM ${place(this.partsTable)}`);
    const entry = rows.find(([number]) => number === null)?.[1];
    if (entry === undefined) return undefined;
    const load = JSON.parse(String(entry)) as PartsLoad;
    return {
      ...load,
      toDo: load.parts.filter(({ number }) => names.has(this.toDoTable(load.load, number))),
      rows: rows.reduce((sum, [number, , count]) => sum + (number === null ? 0 : Number(count)), 0),
    };
  }

  async begin(warehouse: Warehouse, load: PartsLoad): Promise<void> {
    await warehouse.run(`CREATE TABLE ${place(this.partsTable)} (number INTEGER, entry VARCHAR, rows BIGINT)`);
    await warehouse.run(`INSERT INTO ${place(this.partsTable)} VALUES (NULL, ${literal(JSON.stringify(load))}, 0)`);
    for (const { number } of load.parts)
      await warehouse.run(`CREATE TABLE ${place(this.toDoTable(load.load, number))} (altered_by INTEGER)`);
  }

  async done(warehouse: Warehouse, load: PartsLoad, { number }: BlockBounds, rows: number): Promise<void> {
    await warehouse.run(`DROP TABLE ${place(this.toDoTable(load.load, number))}`);
    await warehouse.run(`INSERT INTO ${place(this.partsTable)} VALUES (${number}, NULL, ${rows})`);
  }

  /**
   * Makes this transaction and those of all other parts exclude each other: whichever commits first, the other fails.
   * DuckLake alone would let a transaction replace the table of the load without rows that another one has committed
   * to it meanwhile.
   */
  async excludeOthers(warehouse: Warehouse, load: PartsStatus, own: number): Promise<void> {
    for (const { number } of load.toDo)
      if (number !== own)
        await warehouse.run(`INSERT INTO ${place(this.toDoTable(load.load, number))} VALUES (${own})`);
  }

  /** All but the table in which the rows are. */
  async drop(warehouse: Warehouse, load: PartsStatus): Promise<void> {
    for (const { number } of load.toDo) await warehouse.run(`DROP TABLE ${place(this.toDoTable(load.load, number))}`);
    await warehouse.run(`DROP TABLE ${place(this.partsTable)}`);
  }

  private get partsTable(): string {
    return `parts_${this.hash}`;
  }

  private get toDoPrefix(): string {
    return `todo_${this.hash}_`;
  }

  private toDoTable(load: string, number: number): string {
    return `${this.toDoPrefix}${load}_${number}`;
  }
}

function place(name: string): string {
  return `${SCHEMA}.${quoted(name)}`;
}
