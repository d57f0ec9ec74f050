/**
 * Collects the keys that the source has in a temporary table, and finds the rows of the table that have none of them.
 */
import type { KeyGroups } from '../../model/key-groups';
import type { PackedBatch } from '../../model/packed-batch';
import type { DestinationTable, LoadStamp } from '../destination';
import { createStaging } from './changes';
import { KeyBits } from './key-bits';
import { checkTaken } from './load/check-taken';
import { keysName, matching, rowIds, TABLE_ALIAS } from './load/key-statements';
import { stampSeconds, stampTime } from './load/stamp';
import type { OpenTables } from './open-tables';
import { countGroups, countRows, inGroups, WHOLE_NUMBERS, type CountedGroups } from './row-counts';
import { quoted } from './types';
import type { Warehouse } from './warehouse';

/** A join finds so few of them in a large table sooner than bits do, which are looked at for each of its rows. */
const FEW_KEYS = 20_000;

export class Keys {
  /** By table, where they are bits rather than rows of a temporary table. */
  private readonly bits = new Map<string, KeyBits>();

  constructor(private readonly tables: OpenTables) {}

  async begin(table: DestinationTable): Promise<void> {
    await this.beginWith(table, false);
  }

  private async beginWith(table: DestinationTable, few: boolean): Promise<void> {
    const warehouse = await this.tables.writing();
    if (!few) await this.tables.room.forComparison();
    this.bits.delete(table.key);
    const load = await this.tables.flushed(table);
    await this.tables.room.forStored([load.tableName]);
    const bits = few ? undefined : await keyBitsFor(warehouse, load.name, table);
    if (bits !== undefined) {
      this.bits.set(table.key, bits);
      return;
    }
    const names = table.primaryKey.map(quoted).join(', ');
    await warehouse.run(`CREATE OR REPLACE TEMP TABLE ${keysName(table)} AS SELECT ${names} FROM ${load.name} LIMIT 0`);
  }

  async collect(table: DestinationTable, keys: PackedBatch): Promise<void> {
    const warehouse = await this.tables.writing();
    const bits = this.bits.get(table.key);
    const [column] = keys.columns;
    if (bits !== undefined && column !== undefined) {
      checkTaken(bits.add(column), keys.rowCount, table.key);
      return;
    }
    const load = this.tables.load(table);
    const changedTypes = await load.insertKeys(keys, keysName(table));
    // A pass over changes may go on after an attempt that failed here.
    if (changedTypes && load.name === this.tables.nameOf(table)) await createStaging(warehouse, load);
  }

  async keepOnly(table: DestinationTable): Promise<number> {
    await this.tables.writing();
    const load = await this.tables.flushed(table);
    const removed = await this.change(table, 'ANTI', load.name, `DELETE FROM ${load.name} WHERE`);
    load.changedRows();
    await this.forget(table);
    return removed;
  }

  async markMissing(
    table: DestinationTable,
    within?: KeyGroups & { readonly groups: readonly number[] },
  ): Promise<number> {
    await this.tables.writing();
    const name = this.tables.nameOf(table);
    const { stamp } = await this.tables.flushed(table);
    // In this order: rows that were just marked need not be looked at again.
    await this.markFound(table, name, stamp, false);
    const marked = await this.change(table, 'ANTI', name, `${marking(name, stamp, true)} ${inGroups(within)}`);
    await this.forget(table);
    return marked;
  }

  async markDeleted(table: DestinationTable, keys: readonly PackedBatch[]): Promise<number> {
    const count = keys.reduce((sum, { rowCount }) => sum + rowCount, 0);
    await this.beginWith(table, count <= FEW_KEYS);
    for (const batch of keys) await this.collect(table, batch);
    const name = this.tables.nameOf(table);
    const { stamp } = await this.tables.flushed(table);
    await this.tables.room.forUpdates(table.name, count);
    const marked = await this.markFound(table, name, stamp, true);
    await this.forget(table);
    return marked;
  }

  async countGroups(table: DestinationTable, column: string): Promise<CountedGroups | undefined> {
    await this.tables.flushed(table);
    return await countGroups(this.tables.warehouse, this.tables.nameOf(table), column);
  }

  /** For tables whose changes are applied. */
  async countRows(tables: readonly DestinationTable[]): Promise<readonly number[]> {
    await this.tables.room.forStored(tables.map(({ name }) => name));
    const names = tables.map((table) => this.tables.nameOf(table));
    return await countRows(this.tables.warehouse, names);
  }

  /** Marks the rows whose key was collected, or takes the mark away; returns how many were marked otherwise. */
  private async markFound(table: DestinationTable, name: string, stamp: LoadStamp, deleted: boolean): Promise<number> {
    if (this.bits.has(table.key)) return await this.change(table, 'SEMI', name, marking(name, stamp, deleted));
    const { warehouse } = this.tables;
    const { from, condition } = matching(warehouse.storage, keysName(table), table);
    return await warehouse.changeRows(name, `${marking(name, stamp, deleted, from)} ${condition}`);
  }

  /** Runs `statement`, which ends with WHERE or AND, on rows whose key was (SEMI) or was not (ANTI) collected. */
  private async change(
    table: DestinationTable,
    join: 'SEMI' | 'ANTI',
    name: string,
    statement: string,
  ): Promise<number> {
    const { warehouse } = this.tables;
    const bits = this.bits.get(table.key);
    const [key = ''] = table.primaryKey;
    if (bits === undefined)
      return await warehouse.changeRows(
        name,
        `${statement} rowid IN (${rowIds(warehouse.storage, name, join, keysName(table), table)})`,
      );
    return await warehouse.changeRows(name, `${statement} ${bits.condition(quoted(key), join)}`, bits.value());
  }

  private async forget(table: DestinationTable): Promise<void> {
    if (!this.bits.delete(table.key)) await this.tables.warehouse.run(`DROP TABLE ${keysName(table)}`);
  }
}

/** Bits for the keys of the table `name`; undefined where its key is of more columns, or no whole number. */
async function keyBitsFor(
  warehouse: Warehouse,
  name: string,
  { primaryKey }: DestinationTable,
): Promise<KeyBits | undefined> {
  const [column, ...more] = primaryKey;
  if (column === undefined || more.length > 0) return undefined;
  const type = (await warehouse.columnsOf(name)).get(column);
  if (type === undefined || !WHOLE_NUMBERS.includes(type)) return undefined;
  const key = quoted(column);
  const [extent] = await warehouse.rows(`SELECT count(*), min(${key})::VARCHAR, max(${key})::VARCHAR FROM ${name}`);
  const [rows, least, most] = extent ?? [];
  if (typeof least !== 'string' || typeof most !== 'string') return undefined;
  return KeyBits.between(least, most, Number(rows));
}

/** The beginning of a statement that marks rows deleted, or takes the mark away. */
function marking(name: string, stamp: LoadStamp, deleted: boolean, from = ''): string {
  const stamped = `_fivetran_synced = ${stampTime(stamp)}, sync_timestamp = ${stampSeconds(stamp)}`;
  const unmarked = `${TABLE_ALIAS}._fivetran_deleted = ${!deleted}`;
  return `UPDATE ${name} AS ${TABLE_ALIAS} SET _fivetran_deleted = ${deleted}, ${stamped} ${from} WHERE ${unmarked} AND`;
}
