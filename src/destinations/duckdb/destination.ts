/**
 * The warehouse file as a destination.
 *
 * A full load of a table gathers in a table of its own beside it, so that a reader of the warehouse sees
 * the table as of one sync or of the next, never a mixture. `finishLoad` puts it in the table's place.
 * Everything between two commits is one transaction, the state rows of `_pgsluice.state` included.
 */
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import type { Origin } from '../../model/origin';
import type { KeyGroups } from '../../model/key-groups';
import type { PackedBatch } from '../../model/packed-batch';
import type { RunRecord } from '../../model/run-record';
import type { TableState, TableStates } from '../../model/sync-state';
import type { Destination, DestinationTable, FinishedLoad, LoadStamp } from '../destination';
import { qualified, quoted, type TableName } from './types';
import { Warehouse, type WarehouseOptions } from './warehouse';
import { changesName, deleteMatching, keysName, rowIds } from './load/key-statements';
import { LoadTable } from './load/load-table';
import { MemoryRoom } from './memory-room';
import { folded } from '../naming';
import { countGroups, inGroups, type CountedGroups } from './key-groups';
import { replaceTable } from './load/replace-table';
import { UsersObjects } from './users-objects';
import { forgetInRuns, writeRun } from './run-history';
import { storedOrigin, storeOrigin } from './origin-row';
import { copyAltered } from './copy-altered';
import { loadTableName, makeStateTable, namesIn, storedStates, storeStates } from './state-rows';

export interface DuckDbDestinationOptions extends WarehouseOptions {
  readonly schema: string;
  /** Bytes that DuckDB may use besides while it compares the rows of two tables. */
  readonly comparisonBytes: number;
  readonly logger: Logger;
  /** Type of `sync_timestamp` where it is not DOUBLE. */
  readonly secondsType?: 'FLOAT';
}

/** Tables that one statement counts. DuckDB holds a block of 256 kB for each: of 100, they did not fit. */
const COUNTED_AT_ONCE = 20;

const LATEST_TABLE = 'pgsluice_latest';

export class DuckDbDestination implements Destination {
  private warehouse: Warehouse | undefined;
  private room: MemoryRoom | undefined;
  private readonly loads = new Map<string, LoadTable>();
  private inTransaction = false;
  /** For the next commit; null where a table has none any more. */
  private readonly newStates = new Map<string, TableState | null>();
  /** Folded: of all tables that are there, and perhaps some that are not: an exclusive lock keeps others from making any. */
  private tableNames = new Set<string>();
  private views: ReadonlySet<string> = new Set();

  tablesGone: ReadonlyMap<string, TableName> = new Map();

  constructor(private readonly options: DuckDbDestinationOptions) {}

  async open(): Promise<TableStates> {
    this.warehouse = await Warehouse.open(this.options);
    this.room = new MemoryRoom(this.warehouse, this.options.comparisonBytes);
    await this.warehouse.run(
      `CREATE SCHEMA IF NOT EXISTS ${quoted(this.options.schema)}; CREATE SCHEMA IF NOT EXISTS _pgsluice`,
    );
    await makeStateTable(this.warehouse);
    const { names, views } = await namesIn(this.warehouse, this.options.schema);
    this.tableNames = names;
    this.views = views;
    this.warehouse.usersObjects = await UsersObjects.read(this.warehouse, this.options.schema, this.options.logger);
    const { states, gone } = await storedStates(this.warehouse, this.options.schema, names, this.options.logger);
    this.tablesGone = gone;
    return states;
  }

  async beginLoad(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void> {
    const warehouse = await this.writing();
    this.refuseView(table);
    await this.makeRoom(table);
    const open = resume ? LoadTable.reopen : LoadTable.create;
    const load = await open(warehouse, table, this.loadPlace(table), this.stamped(stamp), this.options.logger);
    this.loads.set(table.key, load);
  }

  takesBinary(table: DestinationTable): boolean {
    const load = this.loads.get(table.key);
    return load === undefined ? LoadTable.takesBinary(this.opened(), table) : load.takesBinary;
  }

  async write(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.writing();
    const load = this.loadOf(table);
    await this.room?.forRows(load, batch);
    await load.insert(await load.fit(batch));
  }

  async writeLatest(table: DestinationTable, batch: PackedBatch): Promise<void> {
    const warehouse = await this.writing();
    await this.room?.forComparison();
    const load = await this.flushed(table);
    // Before the copy of the columns is made, since it may change their types.
    const fitted = await load.fit(batch);
    await warehouse.run(`CREATE OR REPLACE TEMP TABLE ${LATEST_TABLE} AS FROM ${load.name} LIMIT 0`);
    await load.insert(fitted, LATEST_TABLE);
    await load.flush();
    await warehouse.changeRows(load.name, deleteMatching(load.name, LATEST_TABLE, table));
    await warehouse.insertRows(load.name, `BY NAME SELECT * FROM ${LATEST_TABLE}`);
    load.changedRows();
    await warehouse.run(`DROP TABLE ${LATEST_TABLE}`);
  }

  async beginKeys(table: DestinationTable): Promise<void> {
    const warehouse = await this.writing();
    await this.room?.forComparison();
    const names = table.primaryKey.map(quoted).join(', ');
    const load = await this.flushed(table);
    await warehouse.run(`CREATE OR REPLACE TEMP TABLE ${keysName(table)} AS SELECT ${names} FROM ${load.name} LIMIT 0`);
  }

  async collectKeys(table: DestinationTable, keys: PackedBatch): Promise<void> {
    await this.writing();
    const load = this.loadOf(table);
    const changedTypes = await load.insertKeys(keys, keysName(table));
    // Of a pass over changes, which may go on after an attempt that failed here.
    if (changedTypes && load.name === this.tableName(table)) await this.createStaging(load);
  }

  async keepOnlyKeys(table: DestinationTable): Promise<number> {
    const warehouse = await this.writing();
    const load = await this.flushed(table);
    const removed = await warehouse.changeRows(
      load.name,
      `DELETE FROM ${load.name} WHERE rowid IN (${rowIds(load.name, 'ANTI', keysName(table), table)})`,
    );
    load.changedRows();
    await warehouse.run(`DROP TABLE ${keysName(table)}`);
    return removed;
  }

  async beginChanges(table: DestinationTable, stamp: LoadStamp): Promise<void> {
    const warehouse = await this.writing();
    this.refuseView(table);
    await this.room?.forComparison();
    await this.makeRoom(table);
    const load = await LoadTable.reopen(warehouse, table, this.tablePlace(table), stamp, this.options.logger);
    // Staged rows have the types of before: DuckDB's own cast on their way into the table would write other texts.
    load.beforeTypeChange = () => this.applyChanges(table);
    this.loads.set(table.key, load);
    await this.createStaging(load);
  }

  async writeChanges(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.writing();
    const load = this.loadOf(table);
    await this.room?.forRows(load, batch);
    const fitted = await load.fit(batch);
    // The staged rows must have the table's types, also where this batch makes the table change one. None waits now.
    if (fitted.changedTypes) await this.createStaging(load);
    await load.insert(fitted, changesName(table));
  }

  async applyChanges(table: DestinationTable): Promise<void> {
    const warehouse = await this.writing();
    const name = this.tableName(table);
    const changes = changesName(table);
    await this.flushed(table);
    // A row may have been read twice, under two snapshots: the later version counts.
    const latest = `SELECT * FROM ${changes} QUALIFY row_number() OVER (PARTITION BY ${table.primaryKey.map(quoted).join(', ')} ORDER BY rowid DESC) = 1`;
    const insert = async (): Promise<void> => {
      await warehouse.changeRows(name, deleteMatching(name, changes, table));
      await warehouse.insertRows(name, `BY NAME ${latest}`);
    };
    if (warehouse.usersObjects?.hasUnique(name) === true)
      await this.insertUnique(table, warehouse.usersObjects, insert);
    else await insert();
    await warehouse.run(`TRUNCATE ${changes}`);
  }

  /** Rows that the table may not have cost its index, not the table: a load takes its place without it. */
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
    const violated = await objects.violated(this.opened(), this.tableName(table));
    if (violated !== undefined) throw refused(violated.replace(/^T/, 't'));
  }

  async countGroups(table: DestinationTable, column: string): Promise<CountedGroups | undefined> {
    await this.flushed(table);
    return await countGroups(this.opened(), this.tableName(table), column);
  }

  async markMissing(
    table: DestinationTable,
    within?: KeyGroups & { readonly groups: readonly number[] },
  ): Promise<number> {
    const warehouse = await this.writing();
    const name = this.tableName(table);
    const load = await this.flushed(table);
    const stamp = `_fivetran_synced = ${load.stampTime}, sync_timestamp = ${load.stampSeconds}`;
    const marked = await warehouse.changeRows(
      name,
      `UPDATE ${name} SET _fivetran_deleted = true, ${stamp} WHERE NOT _fivetran_deleted${inGroups(within)} ` +
        `AND rowid IN (${rowIds(name, 'ANTI', keysName(table), table)})`,
    );
    await warehouse.changeRows(
      name,
      `UPDATE ${name} SET _fivetran_deleted = false, ${stamp} WHERE _fivetran_deleted ` +
        `AND rowid IN (${rowIds(name, 'SEMI', keysName(table), table)})`,
    );
    await warehouse.run(`DROP TABLE ${keysName(table)}`);
    return marked;
  }

  async finishChanges(table: DestinationTable): Promise<FinishedLoad> {
    await this.applyChanges(table);
    const warehouse = await this.writing();
    await warehouse.run(`DROP TABLE ${changesName(table)}`);
    await this.loadOf(table).close();
    this.loads.delete(table.key);
    const [rows = 0] = await this.countRows([table]);
    return { rows, deleted: 0 };
  }

  async countRows(tables: readonly DestinationTable[]): Promise<readonly number[]> {
    for (const table of tables) if (this.loads.has(table.key)) await this.applyChanges(table);
    const counts: number[] = [];
    for (let first = 0; first < tables.length; first += COUNTED_AT_ONCE) {
      const parts = tables
        .slice(first, first + COUNTED_AT_ONCE)
        .map(
          (table, index) =>
            `SELECT ${index} AS i, count(*) AS n FROM ${this.tableName(table)} WHERE NOT _fivetran_deleted`,
        );
      const rows = await this.opened().rows(`SELECT n FROM (${parts.join(' UNION ALL ')}) ORDER BY i`);
      counts.push(...rows.map(([count]) => Number(count)));
    }
    return counts;
  }

  async finishLoad(table: DestinationTable): Promise<FinishedLoad> {
    const warehouse = await this.writing();
    const load = this.loadOf(table);
    const mayExist = this.tableNames.has(folded(table.name));
    // A new table that has come whole since the last commit needs no name but its own.
    if (!mayExist && !this.tableNames.has(folded(loadTableName(table.name)))) await load.make(this.tablePlace(table));
    await load.close();
    if (mayExist || table.keysMayRepeat || table.primaryKey.length === 0) await this.room?.forComparison();
    const finished = await replaceTable(warehouse, {
      schema: this.options.schema,
      table,
      load,
      mayExist,
      logger: this.options.logger,
    });
    this.tableNames.add(folded(table.name));
    this.loads.delete(table.key);
    return finished;
  }

  async abandonLoad(table: DestinationTable): Promise<void> {
    const warehouse = await this.writing();
    this.loads.delete(table.key);
    await warehouse.run(`DROP TABLE IF EXISTS ${qualified(this.loadPlace(table))}`);
  }

  async append(table: DestinationTable, batch: PackedBatch, stamp: LoadStamp): Promise<void> {
    const warehouse = await this.writing();
    this.refuseView(table);
    const place = this.tablePlace(table);
    if (warehouse.usersObjects?.hasUnique(qualified(place)) === true)
      throw copyAltered(table, 'a unique index or a key does not let it grow');
    const existing = await warehouse.columnsOf(qualified(place));
    const open = existing.size === 0 ? LoadTable.create : LoadTable.reopen;
    const load = await open(warehouse, table, place, this.stamped(stamp), this.options.logger);
    await load.insert(await load.fit(batch));
    await load.close();
  }

  async putState(key: string, state: TableState | null): Promise<void> {
    await this.writing();
    this.newStates.set(key, state);
  }

  async forget(key: string): Promise<void> {
    await this.putState(key, null);
    await forgetInRuns(this.opened(), [key]);
  }

  async flush(table: DestinationTable): Promise<void> {
    await this.loads.get(table.key)?.flush();
  }

  async commit(): Promise<void> {
    if (!this.inTransaction) return;
    for (const load of this.loads.values()) {
      // Also where it has no rows: the state says that the load goes on, whatever becomes of this process.
      await load.make();
      await load.flush();
      this.tableNames.add(folded(load.tableName));
    }
    await storeStates(this.opened(), this.options.schema, this.newStates);
    this.newStates.clear();
    // A commit that fails has rolled back.
    this.inTransaction = false;
    await this.opened().endTransaction('COMMIT');
    for (const load of this.loads.values()) load.forgetStatements();
    if (this.room?.checkpointDue === true) await this.checkpoint(this.room);
  }

  /** Not a part of the commit: what was committed is, whatever becomes of this. */
  private async checkpoint(room: MemoryRoom): Promise<void> {
    try {
      await this.opened().run('CHECKPOINT');
      room.checkpointed();
    } catch (error) {
      // The next commit asks again. Where the file is of no more use, the next statement says so.
      this.options.logger.warning(`DuckDB could not make a checkpoint: ${asConnectorError(error).describe()}`);
    }
  }

  async rollback(): Promise<void> {
    this.loads.clear();
    this.newStates.clear();
    if (!this.inTransaction) return;
    this.inTransaction = false;
    await this.opened().endTransaction('ROLLBACK');
  }

  async origin(): Promise<Origin | undefined> {
    return await storedOrigin(this.opened(), this.options.schema);
  }

  async putOrigin(origin: Origin): Promise<void> {
    await storeOrigin(await this.writing(), this.options.schema, origin);
  }

  async recordRun(run: RunRecord): Promise<void> {
    await this.rollback();
    await writeRun(await this.writing(), run);
    await this.commit();
  }

  async close(): Promise<void> {
    await this.rollback().catch(() => undefined);
    await this.warehouse?.close();
    this.warehouse = undefined;
  }

  /** For the rows of a pass over changes; what it held is dropped. */
  private async createStaging({ table, name }: LoadTable): Promise<void> {
    await this.opened().run(`CREATE OR REPLACE TEMP TABLE ${changesName(table)} AS FROM ${name} LIMIT 0`);
  }

  /** Somebody's view has the name: it is theirs, and nothing can be written into it. */
  private refuseView({ key, name }: DestinationTable): void {
    if (!this.views.has(folded(name))) return;
    throw new ConnectorError(
      `The warehouse has a view ${this.options.schema}.${name} in the place of ${key}'s table.`,
      {
        code: 'view_in_place',
        kind: 'source',
        hint: 'Drop or rename the view, and sync again.',
      },
    );
  }

  private async makeRoom(table: DestinationTable): Promise<void> {
    const open = [...this.loads.values()].reduce((sum, load) => sum + load.table.columns.length, 0);
    await this.room?.forTable(table.columns.length, open);
  }

  private opened(): Warehouse {
    if (this.warehouse === undefined)
      throw new ConnectorError('The warehouse is not open.', { code: 'closed', kind: 'internal' });
    return this.warehouse;
  }

  private async writing(): Promise<Warehouse> {
    const warehouse = this.opened();
    if (!this.inTransaction) {
      await warehouse.run('BEGIN TRANSACTION');
      this.inTransaction = true;
      this.room?.transactionBegun();
    }
    return warehouse;
  }

  /** The table's load, made, all batches inserted. */
  private async flushed(table: DestinationTable): Promise<LoadTable> {
    const load = this.loadOf(table);
    await load.make();
    await load.flush();
    return load;
  }

  private loadOf(table: DestinationTable): LoadTable {
    const load = this.loads.get(table.key);
    if (load === undefined)
      throw new ConnectorError(`No load of ${table.key} has begun.`, { code: 'no_load', kind: 'internal' });
    return load;
  }

  private stamped(stamp: LoadStamp): LoadStamp {
    const { secondsType } = this.options;
    return secondsType === undefined ? stamp : { ...stamp, secondsType };
  }

  private tablePlace(table: DestinationTable): TableName {
    return { schema: this.options.schema, name: table.name };
  }

  private tableName(table: DestinationTable): string {
    return qualified(this.tablePlace(table));
  }

  /** In the same schema, since DuckDB renames within a schema only. */
  private loadPlace(table: DestinationTable): TableName {
    return { schema: this.options.schema, name: loadTableName(table.name) };
  }
}
