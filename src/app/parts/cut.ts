/** Which first loads are cut into parts, and where. */
import type { TableRun } from '../../engine/plan';
import type { BlockBounds } from '../../model/parts';
import type { TableState } from '../../model/sync-state';
import { POSITIONS_PER_BLOCK } from '../../model/tid-range';

/** A part of that size takes some seconds, and no more is lost with a process that ends. */
const PART_BYTES = 256 * 1024 * 1024;
/** Each part is a table of the lake until it is done. */
const MOST_PARTS = 1_000;

/**
 * Only a first load gathers apart from its table for as long as one likes. Rows of a part can be put right by their keys
 * only, and parts can be read by ranges of ctid only.
 */
export function canBeCut(run: TableRun, partBytes = PART_BYTES): boolean {
  const { table } = run.planned;
  return (
    run.resumable &&
    !run.destinationTable.keysMayRepeat &&
    table.kind === 'table' &&
    table.relations.length === 1 &&
    table.throughRoot === undefined &&
    run.committed?.lastSyncedAt == null &&
    run.progress === null &&
    table.bytes >= 2 * partBytes
  );
}

/** Blocks of a part. */
export function blocksOfPart({ planned: { table } }: TableRun, partBytes = PART_BYTES): number {
  const blocks = table.relations.reduce((sum, relation) => sum + relation.blocks, 0);
  return Math.max(1, Math.floor((partBytes * blocks) / table.bytes), Math.ceil(blocks / MOST_PARTS));
}

/** Divides what is pending of the load. */
export function cutIntoParts({ load }: TableState, blocksOfOne: number): BlockBounds[] {
  const pending = load?.relations.flatMap((relation) => relation.pending) ?? [];
  const parts: BlockBounds[] = [];
  for (const { lo, hi } of pending) {
    const end = hi / POSITIONS_PER_BLOCK;
    for (let fromBlock = lo / POSITIONS_PER_BLOCK; fromBlock < end; fromBlock += blocksOfOne)
      parts.push({ number: parts.length, fromBlock, toBlock: Math.min(fromBlock + blocksOfOne, end) });
  }
  return parts;
}
