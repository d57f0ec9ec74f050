/**
 * Collects the keys that the source has in a temporary table, and finds the rows of the table that have none of them.
 */
import type { KeyGroups } from '../../model/key-groups';
import type { PackedBatch } from '../../model/packed-batch';
import type { DestinationTable } from '../destination';
import { createStaging } from './changes';
import { keysName, rowIds } from './load/key-statements';
import { stampSeconds, stampTime } from './load/stamp';
import type { OpenTables } from './open-tables';
import { countGroups, countRows, inGroups, type CountedGroups } from './row-counts';
import { quoted } from './types';

/** In DuckDB's temporary schema. */
const REPLACED = 'pgsluice_replaced';

export class Keys {
  constructor(private readonly tables: OpenTables) {}

  async begin(table: DestinationTable): Promise<void> {
    const warehouse = await this.tables.writing();
    await this.tables.room.forComparison();
    const names = table.primaryKey.map(quoted).join(', ');
    const load = await this.tables.flushed(table);
    await warehouse.run(`CREATE OR REPLACE TEMP TABLE ${keysName(table)} AS SELECT ${names} FROM ${load.name} LIMIT 0`);
  }

  async collect(table: DestinationTable, keys: PackedBatch): Promise<void> {
    const warehouse = await this.tables.writing();
    const load = this.tables.load(table);
    const changedTypes = await load.insertKeys(keys, keysName(table));
    // A pass over changes may go on after an attempt that failed here.
    if (changedTypes && load.name === this.tables.nameOf(table)) await createStaging(warehouse, load);
  }

  async keepOnly(table: DestinationTable): Promise<number> {
    const warehouse = await this.tables.writing();
    const load = await this.tables.flushed(table);
    const removed = await warehouse.changeRows(
      load.name,
      `DELETE FROM ${load.name} WHERE rowid IN (${rowIds(warehouse.storage, load.name, 'ANTI', keysName(table), table)})`,
    );
    load.changedRows();
    await warehouse.run(`DROP TABLE ${keysName(table)}`);
    return removed;
  }

  async markMissing(
    table: DestinationTable,
    within?: KeyGroups & { readonly groups: readonly number[] },
  ): Promise<number> {
    const warehouse = await this.tables.writing();
    const name = this.tables.nameOf(table);
    const { stamp } = await this.tables.flushed(table);
    const stamped = `_fivetran_synced = ${stampTime(stamp)}, sync_timestamp = ${stampSeconds(stamp)}`;
    const marked = await this.replaceRows(
      name,
      `* REPLACE (true AS _fivetran_deleted, ${stampTime(stamp)} AS _fivetran_synced, ${stampSeconds(stamp)} AS sync_timestamp)`,
      `NOT _fivetran_deleted${inGroups(within)} AND rowid IN (${rowIds(warehouse.storage, name, 'ANTI', keysName(table), table)})`,
    );
    await warehouse.changeRows(
      name,
      `UPDATE ${name} SET _fivetran_deleted = false, ${stamped} WHERE _fivetran_deleted ` +
        `AND rowid IN (${rowIds(warehouse.storage, name, 'SEMI', keysName(table), table)})`,
    );
    await warehouse.run(`DROP TABLE ${keysName(table)}`);
    return marked;
  }

  /**
   * Marks rows by deleting and inserting them. Of a million rows, marking 1,000 took 0.3 s by UPDATE, which writes the
   * columns of all row groups anew; this way takes 0.1 s.
   */
  private async replaceRows(name: string, values: string, condition: string): Promise<number> {
    const { warehouse } = this.tables;
    await warehouse.run(
      `CREATE OR REPLACE TEMP TABLE ${REPLACED} AS SELECT rowid AS _pgsluice_row, ${values} FROM ${name} WHERE ${condition}`,
    );
    const replaced = await warehouse.changeRows(
      name,
      `DELETE FROM ${name} WHERE rowid IN (SELECT _pgsluice_row FROM ${REPLACED})`,
    );
    if (replaced > 0) await warehouse.insertRows(name, `BY NAME SELECT * EXCLUDE (_pgsluice_row) FROM ${REPLACED}`);
    await warehouse.run(`DROP TABLE ${REPLACED}`);
    return replaced;
  }

  async countGroups(table: DestinationTable, column: string): Promise<CountedGroups | undefined> {
    await this.tables.flushed(table);
    return await countGroups(this.tables.warehouse, this.tables.nameOf(table), column);
  }

  /** For tables whose changes are applied. */
  async countRows(tables: readonly DestinationTable[]): Promise<readonly number[]> {
    const names = tables.map((table) => this.tables.nameOf(table));
    return await countRows(this.tables.warehouse, names);
  }
}
