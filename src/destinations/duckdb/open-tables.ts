/**
 * Keeps what is open in the warehouse: the transaction, the tables that are being filled, and the names that are taken.
 *
 * A transaction begins with the first write and ends with `commit` or `rollback`. A commit keeps the tables open, a
 * rollback closes them.
 */
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import { folded } from '../naming';
import type { DestinationTable, LoadStamp } from '../destination';
import { LoadTable } from './load/load-table';
import { MemoryRoom } from './memory-room';
import { loadTableName, namesIn, type StateRows } from './state-rows';
import { assertYoung, transactionClock } from './transaction-age';
import { qualified, quoted, type TableName } from './types';
import { UsersObjects } from './users-objects';
import type { Warehouse } from './warehouse';

export interface OpenTablesOptions {
  readonly open: () => Promise<Warehouse>;
  readonly states: StateRows;
  readonly schema: string;
  /** Further bytes that DuckDB may use while it compares the rows of two tables. */
  readonly comparisonBytes: number;
  readonly logger: Logger;
  /** Name of the table in which a load of `table` gathers, where it is not the usual one. */
  readonly loadName?: (table: string) => string;
}

export class OpenTables {
  private openWarehouse: Warehouse | undefined;
  private openRoom: MemoryRoom | undefined;
  private readonly loads = new Map<string, LoadTable>();
  private inTransaction = false;
  private begun = 0;
  /**
   * Folded names of all tables that exist, and perhaps of some that do not. An exclusive lock keeps others from making
   * any.
   */
  private tableNames = new Set<string>();
  private views: ReadonlySet<string> = new Set();

  constructor(private readonly options: OpenTablesOptions) {}

  get schema(): string {
    return this.options.schema;
  }

  get states(): StateRows {
    return this.options.states;
  }

  /** The name of the table in which a load of `table` gathers. */
  loadName(table: string): string {
    return (this.options.loadName ?? loadTableName)(table);
  }

  get logger(): Logger {
    return this.options.logger;
  }

  /** Folded names. */
  get names(): ReadonlySet<string> {
    return this.tableNames;
  }

  get warehouse(): Warehouse {
    return given(this.openWarehouse);
  }

  get room(): MemoryRoom {
    return given(this.openRoom);
  }

  async open(): Promise<void> {
    const { schema, comparisonBytes, logger } = this.options;
    const warehouse = await this.options.open();
    this.openWarehouse = warehouse;
    await warehouse.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}; CREATE SCHEMA IF NOT EXISTS _pgsluice`);
    await this.states.make(warehouse, schema);
    const { names, views, storedRows } = await namesIn(warehouse, schema);
    this.openRoom = new MemoryRoom(warehouse, comparisonBytes, storedRows);
    this.tableNames = names;
    this.views = views;
    warehouse.usersObjects = await UsersObjects.read(warehouse, schema, logger);
  }

  async close(): Promise<void> {
    await this.openWarehouse?.close();
    this.openWarehouse = undefined;
  }

  /** The warehouse within a transaction, which begins here if none is open. */
  async writing(): Promise<Warehouse> {
    const { warehouse } = this;
    if (!this.inTransaction) {
      await warehouse.run('BEGIN TRANSACTION');
      this.inTransaction = true;
      this.begun = transactionClock();
      this.room.transactionBegun();
    }
    return warehouse;
  }

  /** `storeStates` writes what must be committed together with the rows. */
  async commit(storeStates: () => Promise<void>): Promise<void> {
    if (!this.inTransaction) return;
    for (const load of this.loads.values()) {
      // This is committed even without rows: the state says that the load goes on, even if this process ends.
      await load.make();
      await load.flush();
      this.addName(load.tableName);
    }
    await storeStates();
    assertYoung(this.warehouse, this.begun);
    // A commit that fails has rolled back.
    this.inTransaction = false;
    await this.warehouse.endTransaction('COMMIT');
    for (const load of this.loads.values()) load.forgetStatements();
    if (this.room.checkpointDue) await this.checkpoint();
  }

  async rollback(): Promise<void> {
    this.loads.clear();
    if (!this.inTransaction) return;
    this.inTransaction = false;
    await this.warehouse.endTransaction('ROLLBACK');
  }

  /** Opens a table with `open`, `LoadTable.create` or `LoadTable.reopen`, and makes room for it in memory. */
  async begin(
    table: DestinationTable,
    open: typeof LoadTable.create | typeof LoadTable.reopen,
    place: TableName,
    stamp: LoadStamp,
  ): Promise<LoadTable> {
    const warehouse = await this.writing();
    const openColumns = [...this.loads.values()].reduce((sum, load) => sum + load.table.columns.length, 0);
    await this.room.forTable(table.columns.length, openColumns);
    const load = await open({ warehouse, table, place, stamp, logger: this.logger });
    this.loads.set(table.key, load);
    return load;
  }

  isOpen(table: DestinationTable): boolean {
    return this.loads.has(table.key);
  }

  load(table: DestinationTable): LoadTable {
    const load = this.loads.get(table.key);
    if (load === undefined)
      throw new ConnectorError(`No load of ${table.key} has begun.`, { code: 'no_load', kind: 'internal' });
    return load;
  }

  /** The table's load: the table exists, and all batches are inserted. */
  async flushed(table: DestinationTable): Promise<LoadTable> {
    const load = this.load(table);
    await load.make();
    await load.flush();
    return load;
  }

  /** The table is no longer being filled. */
  forget(table: DestinationTable): void {
    this.loads.delete(table.key);
  }

  hasName(name: string): boolean {
    return this.tableNames.has(folded(name));
  }

  addName(name: string): void {
    this.tableNames.add(folded(name));
  }

  /** A user's view has the name, so nothing can be written into it. */
  refuseView({ key, name }: DestinationTable): void {
    if (!this.views.has(folded(name))) return;
    throw new ConnectorError(`The warehouse has a view ${this.schema}.${name} in the place of ${key}'s table.`, {
      code: 'view_in_place',
      kind: 'source',
      hint: 'Drop or rename the view, and sync again.',
    });
  }

  placeOf(table: DestinationTable): TableName {
    return { schema: this.schema, name: table.name };
  }

  /** The table in which a load gathers. It is in the same schema, because DuckDB renames within a schema only. */
  loadPlaceOf(table: DestinationTable): TableName {
    return { schema: this.schema, name: this.loadName(table.name) };
  }

  /** Qualified and quoted. */
  nameOf(table: DestinationTable): string {
    return qualified(this.placeOf(table));
  }

  /** A checkpoint is no part of the commit: the data stays committed even if it fails. */
  private async checkpoint(): Promise<void> {
    try {
      await this.warehouse.run('CHECKPOINT');
      this.room.checkpointed();
    } catch (error) {
      // The next commit requests it again. Where the file cannot be used any more, the next statement says so.
      this.logger.warning(`DuckDB could not make a checkpoint: ${asConnectorError(error).describe()}`);
    }
  }
}

function given<T>(opened: T | undefined): T {
  if (opened === undefined)
    throw new ConnectorError('The warehouse is not open.', { code: 'closed', kind: 'internal' });
  return opened;
}
