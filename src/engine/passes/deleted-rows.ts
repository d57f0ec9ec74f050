/**
 * Finds the rows of a table that the source no longer has.
 *
 * After a pass over changes under one snapshot, every live row of the source is in the destination: it was either
 * upserted now or arrived by an earlier pass. So the destination's live keys contain all of the source's, and equal
 * counts prove equal sets. Only where the counts differ are keys compared, under the same snapshot: those of groups of
 * keys whose counts differ, where the table is large and its key has a column of whole numbers, else all. If the
 * destination then still holds fewer rows than the source, it has lost some (somebody deleted them there, say), and the
 * table is loaded from the start.
 */
import { counted } from '../../common/counted';
import { groupsThatDiffer, type GroupCounts } from '../../model/key-groups';
import { countGroups, groupOf } from '../../postgres/read';
import type { TableRun } from '../plan';
import { refuseManyDeletes } from './deletes-guard';
import { allKeysAreLess, KeyComparison } from './key-comparison';
import type { ProcessorOptions } from './processor-options';
import { eachRange } from './ranges-in-parallel';
import type { CompleteReading } from './snapshot-reader';

export class DeletedRows {
  private readonly keys: KeyComparison;

  constructor(private readonly options: ProcessorOptions) {
    this.keys = new KeyComparison(options);
  }

  /** How many rows the destination holds that are not marked deleted, all changes written. */
  async countHeld(run: TableRun): Promise<number | undefined> {
    return await this.options.writer.countRows(run);
  }

  /**
   * Marks what is gone and returns how many rows; undefined: the destination lacks rows that only a load can bring.
   * `held`: see `countHeld`. `allKeys`: all keys are compared, whatever counts say.
   */
  async mark(
    run: TableRun,
    reading: CompleteReading,
    held: number | undefined,
    allKeys: boolean,
  ): Promise<number | undefined> {
    const { maxDeletesPercent } = this.options;
    if (held !== undefined && reading.sourceRows !== undefined)
      refuseManyDeletes(run, held, reading.sourceRows, maxDeletesPercent);
    if (reading.keys !== undefined) return await this.markFrom(run, reading.keys, 0);
    const few = allKeys || allKeysAreLess(reading.sourceRows) ? undefined : await this.markByGroups(run, reading);
    if (few !== undefined && (await this.countHeld(run)) === reading.sourceRows) return few;
    const keys = await this.keys.collect(run, reading);
    // Where a part was read under an earlier snapshot, the next pass may bring the missing rows.
    return await this.markFrom(run, reading.sourceRows === undefined ? 0 : keys, few ?? 0);
  }

  /** Marks what has none of the keys that the destination was given; `keys` is how many rows it must hold then. */
  private async markFrom(run: TableRun, keys: number, before: number): Promise<number | undefined> {
    const { writer, logger } = this.options;
    const marked = before + (await writer.markMissing(run));
    if (keys === 0) return marked;
    const left = await this.countHeld(run);
    if (left === undefined || left >= keys) return marked;
    logger.warning(
      `The warehouse lacks ${counted(keys - left, 'row')} of ${run.key} that an earlier sync had brought; the table is loaded from the start.`,
    );
    return undefined;
  }

  /** Compares only the keys of groups whose counts differ; undefined where the key cannot be grouped. */
  private async markByGroups(run: TableRun, reading: CompleteReading): Promise<number | undefined> {
    const column = groupedColumn(run);
    if (column === undefined) return undefined;
    const { writer } = this.options;
    const counted = await writer.countGroups(run, column.destinationName);
    if (counted === undefined) return undefined;
    const { groups, counts } = counted;
    const source = await this.countSource(run, column.name, groups.width, reading);
    const different = groupsThatDiffer(source, counts);
    if (different.length === 0 || different.length > MOST_GROUPS_COMPARED) return undefined;
    const group = groupOf(column.name, groups.width);
    await this.keys.collect(run, reading, [`${group} = ANY ('{${different.join(',')}}'::int8[])`]);
    return await writer.markMissing(run, { ...groups, groups: different });
  }

  private async countSource(
    run: TableRun,
    column: string,
    width: number,
    reading: CompleteReading,
  ): Promise<GroupCounts> {
    const { conditions } = run.selection;
    const all = new Map<number, number>();
    await eachRange(run, this.options, reading, COUNTED_AT_ONCE, async (session, { relation, range }) => {
      const { signal } = reading;
      const counts = await countGroups(session, { relation, column, width, conditions, range, signal });
      for (const [group, count] of counts) all.set(group, (all.get(group) ?? 0) + count);
    });
    return all;
  }
}

/** A statement over more would run longer than 0.2 s. */
const COUNTED_AT_ONCE = { rows: 400_000, bytes: 32_000_000 };
/** Beyond that, all keys are read as soon. */
const MOST_GROUPS_COMPARED = 5_000;

/** A column of whole numbers in the key, with both of its names. */
function groupedColumn(run: TableRun): { readonly name: string; readonly destinationName: string } | undefined {
  const { table } = run.planned;
  if (!table.relations.every(({ rangeReadable }) => rangeReadable)) return undefined;
  const index = table.primaryKey.findIndex((key) => {
    const column = run.selection.columns.find(({ name }) => name === key);
    return column !== undefined && ['int16', 'int32', 'int64'].includes(column.type.kind);
  });
  const name = table.primaryKey[index];
  const destinationName = run.destinationTable.primaryKey[index];
  return name === undefined || destinationName === undefined ? undefined : { name, destinationName };
}
