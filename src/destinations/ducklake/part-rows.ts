/**
 * What a lake remembers of a load in parts, in tables of schema `_pgsluice`.
 *
 *   parts_HASH             one row for the load, then one for each part that is done
 *   todo_HASH_LOAD_NUMBER  an empty table for each part that is to be done
 *
 * The commit of a part drops its table of the second kind. DuckLake lets no two transactions drop one table, so of two
 * processes that have read the same part one commits. Rows of one table would not do: DuckLake lets no two transactions
 * delete rows of one table either, so parts that have nothing to do with each other could not be committed at once.
 */
import { createHash } from 'node:crypto';
import type { PartsLoad, PartsStatus } from '../../model/parts';
import { literal, quoted, type Warehouse } from '../duckdb';

const SCHEMA = '_pgsluice';

export interface PartDone {
  readonly number: number;
  readonly rows: number;
  readonly apart: boolean;
}

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
    const rows = await warehouse.rows(`SELECT number, entry, rows, apart FROM ${place(this.partsTable)}`);
    const entry = rows.find(([number]) => number === null)?.[1];
    if (entry === undefined) return undefined;
    const load = JSON.parse(String(entry)) as PartsLoad;
    return {
      ...load,
      toDo: load.parts.filter(({ number }) => names.has(this.toDoTable(load.load, number))),
      apart: rows.flatMap(([number, , , apart]) => (apart === true ? [Number(number)] : [])),
      rows: rows.reduce((sum, [, , count]) => sum + Number(count), 0),
    };
  }

  async begin(warehouse: Warehouse, load: PartsLoad): Promise<void> {
    await warehouse.run(
      `CREATE TABLE ${place(this.partsTable)} (number INTEGER, entry VARCHAR, rows BIGINT, apart BOOLEAN)`,
    );
    await warehouse.run(
      `INSERT INTO ${place(this.partsTable)} VALUES (NULL, ${literal(JSON.stringify(load))}, ${load.state.load?.rows ?? 0}, false)`,
    );
    for (const { number } of load.parts)
      await warehouse.run(`CREATE TABLE ${place(this.toDoTable(load.load, number))} (part INTEGER)`);
  }

  /** `apart`: its rows are in a table of its own. */
  async done(warehouse: Warehouse, { load }: PartsLoad, part: PartDone): Promise<void> {
    const { number, rows, apart } = part;
    await warehouse.run(`DROP TABLE ${place(this.toDoTable(load, number))}`);
    await warehouse.run(`INSERT INTO ${place(this.partsTable)} VALUES (${number}, NULL, ${rows}, ${apart})`);
  }

  /** All but the tables in which the rows are. */
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
