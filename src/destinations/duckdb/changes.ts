/**
 * Passes over changes.
 *
 * New versions of rows gather in a temporary table with the table's columns, its staging. `apply` upserts them by key, in
 * portions that take little memory. All of them are one transaction, unless the writer commits in between.
 */
import { ConnectorError } from '../../common/errors';
import type { PackedBatch } from '../../model/packed-batch';
import type { DestinationTable, FinishedLoad, LoadStamp } from '../destination';
import { copyAltered } from './copy-altered';
import { changesName, deleteMatching } from './load/key-statements';
import { LoadTable } from './load/load-table';
import type { OpenTables } from './open-tables';
import { countTable } from './row-counts';
import { quoted } from './types';
import type { UsersObjects } from './users-objects';
import type { Warehouse } from './warehouse';

export class Changes {
  /** Keys of tables that have changes of a pass that has not ended. */
  private readonly applied = new Set<string>();
  /** What tables have in their staging, by key. */
  private readonly staged = new Map<string, { rows: number; bytes: number }>();
  /** Rows that are not marked deleted, by table, as counted since its pass has last changed any. */
  private readonly counted = new Map<string, number>();

  constructor(private readonly tables: OpenTables) {}

  get halfDone(): ReadonlySet<string> {
    return this.applied;
  }

  rolledBack(): void {
    this.applied.clear();
    this.counted.clear();
  }

  /** Must be called when rows of the table were changed by other ways than `apply`. */
  changedRows(table: DestinationTable): void {
    this.applied.add(table.key);
    this.counted.delete(table.key);
  }

  /** Counts the rows of a table with an open pass that are not marked deleted, all changes applied. */
  async countRows(table: DestinationTable): Promise<number> {
    await this.apply(table);
    const known = this.counted.get(table.key);
    if (known !== undefined) return known;
    const rows = await countTable(this.tables.warehouse, this.tables.nameOf(table));
    this.counted.set(table.key, rows);
    return rows;
  }

  async begin(table: DestinationTable, stamp: LoadStamp): Promise<void> {
    const { tables } = this;
    const warehouse = await tables.writing();
    tables.refuseView(table);
    if (this.gathersAll(table)) await tables.room.forComparison();
    await tables.room.forStored([table.name]);
    const load = await tables.begin(table, LoadTable.reopen, tables.placeOf(table), stamp);
    // Staged rows have the column's earlier type. DuckDB's own cast on their way into the table would write other
    // texts.
    load.beforeTypeChange = () => this.apply(table);
    await createStaging(warehouse, load);
    this.staged.delete(table.key);
    this.counted.delete(table.key);
  }

  async write(table: DestinationTable, batch: PackedBatch): Promise<void> {
    const warehouse = await this.tables.writing();
    const load = this.tables.load(table);
    await this.tables.room.forRows(load, batch);
    const fitted = await load.fit(batch);
    // The staged rows must have the table's types, even where this batch changes one. No rows wait now.
    if (fitted.changedTypes) await createStaging(warehouse, load);
    await load.insert(fitted, changesName(table));
    if (batch.rowCount === 0) return;
    const staged = this.staged.get(table.key) ?? { rows: 0, bytes: 0 };
    staged.rows += batch.rowCount;
    staged.bytes += batch.bytes;
    this.staged.set(table.key, staged);
    const { stagedRows, stagedBytes } = warehouse.storage;
    if ((staged.rows >= stagedRows || staged.bytes >= stagedBytes) && !this.gathersAll(table)) await this.apply(table);
  }

  async apply(table: DestinationTable): Promise<void> {
    const warehouse = await this.tables.writing();
    const name = this.tables.nameOf(table);
    const changes = changesName(table);
    await this.tables.flushed(table);
    const staged = this.staged.get(table.key);
    if (staged === undefined) return;
    this.staged.delete(table.key);
    this.counted.delete(table.key);
    const latest = staged.rows === 1 ? `FROM ${changes}` : await latestOf(warehouse, changes, table);
    const insert = async (): Promise<void> => {
      await warehouse.changeRows(name, deleteMatching(warehouse.storage, name, changes, table));
      await warehouse.insertRows(name, `BY NAME ${latest}`);
    };
    if (warehouse.usersObjects?.hasUnique(name) === true)
      await this.insertUnique(table, warehouse.usersObjects, insert);
    else await insert();
    await warehouse.run(`TRUNCATE ${changes}`);
    this.applied.add(table.key);
  }

  /** Ends a pass whose changes are applied. */
  async finish(table: DestinationTable): Promise<FinishedLoad> {
    const warehouse = await this.tables.writing();
    const rows = await this.countRows(table);
    await warehouse.run(`DROP TABLE ${changesName(table)}`);
    await this.tables.load(table).close();
    this.tables.forget(table);
    this.applied.delete(table.key);
    this.counted.delete(table.key);
    return { rows, deleted: 0 };
  }

  /** An index may forbid a row that another portion would have made room for. */
  private gathersAll(table: DestinationTable): boolean {
    const { storage, usersObjects } = this.tables.warehouse;
    return storage.stagedRows === Infinity || usersObjects?.hasUnique(this.tables.nameOf(table)) === true;
  }

  /**
   * A row that the table refuses may have been forbidden by an index, so only the index is given up: a load takes the
   * table's place without it.
   */
  private async insertUnique(
    table: DestinationTable,
    objects: UsersObjects,
    insert: () => Promise<void>,
  ): Promise<void> {
    const refused = (name: string): ConnectorError => copyAltered(table, `${name} does not allow the new rows`);
    try {
      await insert();
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'value_does_not_fit') throw refused('an index or key');
      throw error;
    }
    const violated = await objects.violated(this.tables.warehouse, this.tables.nameOf(table));
    if (violated !== undefined) throw refused(violated.replace(/^T/, 't'));
  }
}

/**
 * SQL for the staged rows, each key once. A row may have been read twice, under two snapshots: the later version counts.
 * To look for such keys takes a tenth of the time in which DuckDB puts whole rows into the order of their keys.
 */
async function latestOf(warehouse: Warehouse, changes: string, { primaryKey }: DestinationTable): Promise<string> {
  const key = primaryKey.map(quoted).join(', ');
  const [twice] = await warehouse.rows(`SELECT 1 FROM ${changes} GROUP BY ${key} HAVING count(*) > 1 LIMIT 1`);
  if (twice === undefined) return `FROM ${changes}`;
  return `FROM ${changes} QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY rowid DESC) = 1`;
}

/** Makes the staging table for the rows of a pass over changes, and drops what it held. */
export async function createStaging(warehouse: Warehouse, { table, name }: LoadTable): Promise<void> {
  await warehouse.run(`CREATE OR REPLACE TEMP TABLE ${changesName(table)} AS FROM ${name} LIMIT 0`);
}
