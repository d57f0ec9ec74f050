/** How many tables are worth reading at once. */
import type { TableRun } from '../plan';
import { isFar } from '../pressure';

/** The changes of a table of so many blocks are read in a few milliseconds. */
const SMALL_TABLE_BLOCKS = 1_000;
/** For the tables of one reader, the writer takes longer than two readers. */
const READERS_OF_SMALL_TABLES = 2;
/** With more tables, one that somebody has locked must not hold up half of the readers. */
const FEW_TABLES = 50;

/**
 * The changes of a few small tables are read and written before a third connection is made: everything else stands still
 * during its login. undefined: no limit.
 */
export function worthwhileReaders(runs: readonly TableRun[], roundTripMs: number): number | undefined {
  if (isFar(roundTripMs) || runs.length > FEW_TABLES) return undefined;
  return runs.every(isSmall) ? READERS_OF_SMALL_TABLES : undefined;
}

function isSmall({ readsChanges, planned }: TableRun): boolean {
  const blocks = planned.table.relations.reduce((sum, relation) => sum + relation.blocks, 0);
  return readsChanges && blocks <= SMALL_TABLE_BLOCKS;
}
