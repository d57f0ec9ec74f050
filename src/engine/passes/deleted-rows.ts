/**
 * Finds the rows of a table that the source no longer has.
 *
 * After a pass over changes under one snapshot, every live row of the source is in the destination: it was either
 * upserted now or arrived by an earlier pass. So the destination's live keys contain all of the source's, and equal
 * counts prove equal sets. Only where the counts differ are keys compared, under the same snapshot: those of groups of
 * keys whose counts differ, where the key has a column of whole numbers, else all. If the destination
 * then still holds fewer rows than the source, it has lost some (somebody deleted them there, say), and the table is
 * loaded from the start.
 */
import { groupsThatDiffer, type GroupCounts } from '../../model/key-groups';
import { blockRange } from '../../model/tid-range';
import type { Session } from '../../postgres/connection';
import { countGroups, groupOf, relationStates } from '../../postgres/read';
import type { TableRun } from '../plan';
import { refuseManyDeletes } from './deletes-guard';
import { KeyComparison } from './key-comparison';
import type { ProcessorOptions } from './processor-options';
import type { CompleteReading } from './snapshot-reader';

export class DeletedRows {
  private readonly keys: KeyComparison;

  constructor(private readonly options: ProcessorOptions) {
    this.keys = new KeyComparison(options);
  }

  /** Whether the destination holds as many rows as the source has under the snapshot, all changes written. */
  async countsAgree(run: TableRun, { sourceRows }: CompleteReading): Promise<boolean> {
    if (sourceRows === undefined) return false;
    return (await this.options.writer.countRows(run)) === sourceRows;
  }

  /**
   * Marks deleted rows and returns how many; undefined where the destination lacks rows that only a load can bring.
   * `allKeys`: all keys are compared, whatever the counts are.
   */
  async mark(run: TableRun, reading: CompleteReading, allKeys: boolean): Promise<number | undefined> {
    const { writer, logger, maxDeletesPercent } = this.options;
    const before = await writer.countRows(run);
    if (before !== undefined && reading.sourceRows !== undefined)
      refuseManyDeletes(run, before, reading.sourceRows, maxDeletesPercent);
    const few = allKeys ? undefined : await this.markByGroups(run, reading);
    if (few !== undefined && (await this.countsAgree(run, reading))) return few;
    const keys = await this.keys.collect(run, reading.session, reading.signal);
    const marked = (few ?? 0) + (await writer.markMissing(run));
    // Where a part was read under an earlier snapshot, the next pass may bring the missing rows.
    if (reading.sourceRows === undefined) return marked;
    const held = await writer.countRows(run);
    if (held === undefined || held >= keys) return marked;
    logger.warning(
      `The warehouse lacks ${keys - held} rows of ${run.key} that an earlier sync had brought; the table is loaded from the start.`,
    );
    return undefined;
  }

  /** Compares only the keys of groups whose counts differ; undefined where the key cannot be grouped. */
  private async markByGroups(run: TableRun, { session, signal }: CompleteReading): Promise<number | undefined> {
    const column = groupedColumn(run);
    if (column === undefined) return undefined;
    const { writer } = this.options;
    const counted = await writer.countGroups(run, column.destinationName);
    if (counted === undefined) return undefined;
    const { groups, counts } = counted;
    const source = await this.countSource(run, column.name, groups.width, session, signal);
    const different = groupsThatDiffer(source, counts);
    if (different.length === 0 || different.length > MOST_GROUPS_COMPARED) return undefined;
    const group = groupOf(column.name, groups.width);
    await this.keys.collect(run, session, signal, [`${group} = ANY ('{${different.join(',')}}'::int8[])`]);
    return await writer.markMissing(run, { ...groups, groups: different });
  }

  private async countSource(
    run: TableRun,
    column: string,
    width: number,
    session: Session,
    signal: AbortSignal,
  ): Promise<GroupCounts> {
    const { relations } = run.planned.table;
    const { conditions } = run.selection;
    const states = await relationStates(session, relations, signal);
    const all = new Map<number, number>();
    for (const relation of relations) {
      const blocks = states.get(relation.oid)?.blocks ?? 0;
      for (let block = 0; block < blocks; block += COUNTED_BLOCKS) {
        const range = blockRange(block, Math.min(block + COUNTED_BLOCKS, blocks));
        const counts = await countGroups(session, { relation, column, width, conditions, range, signal });
        for (const [group, count] of counts) all.set(group, (all.get(group) ?? 0) + count);
      }
    }
    return all;
  }
}

/** A statement over more rows would run longer than 0.2 s. */
const COUNTED_BLOCKS = 4_000;
/** With more groups than this, reading all keys is as fast. */
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
