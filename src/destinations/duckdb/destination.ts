/**
 * A warehouse as a destination, put together from its parts; `DuckDbDestination` is the file.
 *
 * `open-tables` holds the transaction and what is open in it. `loads`, `changes` and `keys` write rows, and
 * `state-store` writes what is remembered of them. A reader of the warehouse sees each table as of one sync or of the
 * next, never a mixture: everything between two commits is one transaction, the states included.
 */
import type { KeyGroups } from '../../model/key-groups';
import type { Origin } from '../../model/origin';
import type { PackedBatch } from '../../model/packed-batch';
import type { RunRecord } from '../../model/run-record';
import type { LogPosition, TableState, TableStates } from '../../model/sync-state';
import type { Destination, DestinationTable, FinishedLoad, LoadStamp } from '../destination';
import { Changes } from './changes';
import { Keys } from './keys';
import { Loads } from './loads';
import { OpenTables, type OpenTablesOptions } from './open-tables';
import { renameTable } from './rename-table';
import type { CountedGroups } from './row-counts';
import type { StoredTables } from '../stored-table';
import { WarehouseStates } from './state-store';
import { FILE_STATES } from './state-rows';
import type { TableName } from './types';
import { WarehouseTable } from './verify/checksum';
import { Warehouse, type WarehouseOptions } from './warehouse';

export interface WarehouseDestinationOptions extends OpenTablesOptions {
  /** Type of `sync_timestamp` where it is not DOUBLE. */
  readonly secondsType?: 'FLOAT';
}

export class WarehouseDestination implements Destination {
  protected readonly tables: OpenTables;
  private readonly loads: Loads;
  protected readonly changes: Changes;
  private readonly keys: Keys;
  private readonly states: WarehouseStates;

  constructor(options: WarehouseDestinationOptions) {
    this.tables = new OpenTables(options);
    this.loads = new Loads(this.tables, options.secondsType);
    this.changes = new Changes(this.tables);
    this.keys = new Keys(this.tables);
    this.states = new WarehouseStates(this.tables);
  }

  async open(): Promise<TableStates> {
    await this.tables.open();
    return await this.states.read();
  }

  get tablesGone(): ReadonlyMap<string, TableName> {
    return this.states.tablesGone;
  }

  async close(): Promise<void> {
    await this.rollback().catch(() => undefined);
    await this.tables.close();
  }

  async commit(): Promise<void> {
    await this.tables.commit(() => this.states.store());
    this.states.committed();
  }

  async rollback(): Promise<void> {
    this.states.drop();
    this.changes.rolledBack();
    await this.tables.rollback();
  }

  async flush(table: DestinationTable): Promise<void> {
    if (this.tables.isOpen(table)) await this.tables.load(table).flush();
  }

  takesBinary(table: DestinationTable): boolean {
    return this.loads.takesBinary(table);
  }

  async beginLoad(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void> {
    await this.loads.begin(table, stamp, resume);
  }

  async write(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.loads.write(table, batch);
  }

  async writeLatest(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.loads.writeLatest(table, batch);
  }

  async finishLoad(table: DestinationTable): Promise<FinishedLoad> {
    return await this.loads.finish(table);
  }

  async abandonLoad(table: DestinationTable): Promise<void> {
    await this.loads.abandon(table);
  }

  async append(table: DestinationTable, batch: PackedBatch, stamp: LoadStamp): Promise<void> {
    await this.loads.append(table, batch, stamp);
  }

  async beginChanges(table: DestinationTable, stamp: LoadStamp): Promise<void> {
    await this.changes.begin(table, stamp);
  }

  async writeChanges(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.changes.write(table, batch);
  }

  async applyChanges(table: DestinationTable): Promise<void> {
    await this.changes.apply(table);
  }

  async finishChanges(table: DestinationTable): Promise<FinishedLoad> {
    await this.applyChanges(table);
    return await this.changes.finish(table);
  }

  async beginKeys(table: DestinationTable): Promise<void> {
    await this.keys.begin(table);
  }

  async collectKeys(table: DestinationTable, keys: PackedBatch): Promise<void> {
    await this.keys.collect(table, keys);
  }

  async keepOnlyKeys(table: DestinationTable): Promise<number> {
    return await this.keys.keepOnly(table);
  }

  async markMissing(
    table: DestinationTable,
    within?: KeyGroups & { readonly groups: readonly number[] },
  ): Promise<number> {
    this.changes.changedRows(table);
    return await this.keys.markMissing(table, within);
  }

  async markDeleted(table: DestinationTable, keys: readonly PackedBatch[]): Promise<number> {
    this.changes.changedRows(table);
    return await this.keys.markDeleted(table, keys);
  }

  async countGroups(table: DestinationTable, column: string): Promise<CountedGroups | undefined> {
    return await this.keys.countGroups(table, column);
  }

  get countsStay(): boolean {
    return this.tables.warehouse.storage.longestTransactionHours === undefined;
  }

  async countRows(tables: readonly DestinationTable[]): Promise<readonly number[]> {
    const [table, ...more] = tables;
    if (table !== undefined && more.length === 0 && this.tables.isOpen(table))
      return [await this.changes.countRows(table)];
    for (const open of tables) if (this.tables.isOpen(open)) await this.applyChanges(open);
    return await this.keys.countRows(tables);
  }

  async putState(key: string, state: TableState | null): Promise<void> {
    await this.states.put(key, state);
  }

  async forget(key: string): Promise<void> {
    await this.putState(key, null);
    await this.states.forgetRuns(key);
  }

  async renameTable(key: string, from: string, to: string): Promise<void> {
    await renameTable(this.tables, key, from, to);
  }

  async origin(): Promise<Origin | undefined> {
    return await this.states.origin();
  }

  async putOrigin(origin: Origin): Promise<void> {
    await this.states.putOrigin(origin);
  }

  async logPosition(): Promise<LogPosition | undefined> {
    return await this.states.logPosition();
  }

  async putLogPosition(position: LogPosition): Promise<void> {
    await this.states.putLogPosition(position);
  }

  get storedTables(): StoredTables {
    const { warehouse } = this.tables;
    return {
      keepsZeroSigns: warehouse.storage.keepsZeroSigns,
      table: (table) => WarehouseTable.open(warehouse, table),
      interrupt: () => warehouse.interrupt(),
    };
  }

  async recordRun(run: RunRecord): Promise<void> {
    await this.rollback();
    await this.states.writeRun(run);
    await this.commit();
  }
}

export type DuckDbDestinationOptions = WarehouseOptions & Omit<WarehouseDestinationOptions, 'open' | 'states'>;

export class DuckDbDestination extends WarehouseDestination {
  constructor(options: DuckDbDestinationOptions) {
    super({ ...options, open: () => Warehouse.open(options), states: FILE_STATES });
  }
}
