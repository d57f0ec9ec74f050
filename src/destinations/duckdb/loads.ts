/**
 * Full loads, and tables that only grow.
 *
 * A full load gathers in a table of its own beside the table, and takes the table's place when it ends.
 */
import type { PackedBatch } from '../../model/packed-batch';
import type { DestinationTable, FinishedLoad, LoadStamp } from '../destination';
import { copyAltered } from './copy-altered';
import { deleteMatching } from './load/key-statements';
import { LoadTable, takesBinary } from './load/load-table';
import { replaceTable } from './load/replace-table';
import type { OpenTables } from './open-tables';
import { loadTableName } from './state-rows';
import { qualified } from './types';

const LATEST_TABLE = 'pgsluice_latest';

export class Loads {
  /** `secondsType` is the type of `sync_timestamp` where that is not DOUBLE. */
  constructor(
    private readonly tables: OpenTables,
    private readonly secondsType: 'FLOAT' | undefined,
  ) {}

  async begin(table: DestinationTable, stamp: LoadStamp, resume: boolean): Promise<void> {
    await this.tables.writing();
    this.tables.refuseView(table);
    const open = resume ? LoadTable.reopen : LoadTable.create;
    await this.tables.begin(table, open, this.tables.loadPlaceOf(table), this.stamped(stamp));
  }

  takesBinary(table: DestinationTable): boolean {
    return this.tables.isOpen(table) ? this.tables.load(table).takesBinary : takesBinary(this.tables.warehouse, table);
  }

  async write(table: DestinationTable, batch: PackedBatch): Promise<void> {
    await this.tables.writing();
    const load = this.tables.load(table);
    await this.tables.room.forRows(load, batch);
    await load.insert(await load.fit(batch));
  }

  async writeLatest(table: DestinationTable, batch: PackedBatch): Promise<void> {
    const warehouse = await this.tables.writing();
    await this.tables.room.forComparison();
    const load = await this.tables.flushed(table);
    await this.tables.room.forStored([load.tableName]);
    // This comes before the copy of the columns is made, because it may change their types.
    const fitted = await load.fit(batch);
    await warehouse.run(`CREATE OR REPLACE TEMP TABLE ${LATEST_TABLE} AS FROM ${load.name} LIMIT 0`);
    await load.insert(fitted, LATEST_TABLE);
    await load.flush();
    await warehouse.changeRows(load.name, deleteMatching(warehouse.storage, load.name, LATEST_TABLE, table));
    await warehouse.insertRows(load.name, `BY NAME SELECT * FROM ${LATEST_TABLE}`);
    load.changedRows();
    await warehouse.run(`DROP TABLE ${LATEST_TABLE}`);
  }

  async finish(table: DestinationTable): Promise<FinishedLoad> {
    const { tables } = this;
    const warehouse = await tables.writing();
    const load = tables.load(table);
    const mayExist = tables.hasName(table.name);
    // A new table whose rows all came since the last commit gets its own name at once.
    if (!mayExist && !tables.hasName(loadTableName(table.name))) await load.make(tables.placeOf(table));
    await load.close();
    if (mayExist || table.keysMayRepeat || table.primaryKey.length === 0) await tables.room.forComparison();
    if (mayExist) await tables.room.forStored([table.name]);
    const { schema, logger } = tables;
    const finished = await replaceTable(warehouse, { schema, table, load, mayExist, logger });
    tables.addName(table.name);
    tables.forget(table);
    return finished;
  }

  async abandon(table: DestinationTable): Promise<void> {
    const warehouse = await this.tables.writing();
    this.tables.forget(table);
    await warehouse.run(`DROP TABLE IF EXISTS ${qualified(this.tables.loadPlaceOf(table))}`);
  }

  /** Adds rows to a table that only grows. */
  async append(table: DestinationTable, batch: PackedBatch, stamp: LoadStamp): Promise<void> {
    const { tables } = this;
    const warehouse = await tables.writing();
    tables.refuseView(table);
    const place = tables.placeOf(table);
    const name = qualified(place);
    if (warehouse.usersObjects?.hasUnique(name) === true)
      throw copyAltered(table, 'a unique index or a key does not let it grow');
    const existing = await warehouse.columnsOf(name);
    const open = existing.size === 0 ? LoadTable.create : LoadTable.reopen;
    const load = await open({ warehouse, table, place, stamp: this.stamped(stamp), logger: tables.logger });
    await load.insert(await load.fit(batch));
    await load.close();
  }

  private stamped(stamp: LoadStamp): LoadStamp {
    return this.secondsType === undefined ? stamp : { ...stamp, secondsType: this.secondsType };
  }
}
