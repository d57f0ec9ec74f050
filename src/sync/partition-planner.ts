/** Cuts what is still to be read into partitions, the units that readers take from the queue. */
import type { Relation } from '../model/table';
import { POSITIONS_PER_BLOCK, type TidRange } from '../model/tid-range';

export interface Partition {
  readonly relation: Relation;
  /** null: the whole relation, by a cursor. */
  readonly range: TidRange | null;
}

/** Partitions of about `partitionRows` rows, in order, without gap or overlap over the pending ranges. */
export function planPartitions(relation: Relation, pending: readonly TidRange[], partitionRows: number): Partition[] {
  const rowsPerBlock = Math.max(relation.rows, 1) / Math.max(relation.blocks, 1);
  const blocks = Math.max(1, Math.round(partitionRows / rowsPerBlock));
  const step = blocks * POSITIONS_PER_BLOCK;
  return pending.flatMap((range) => {
    const parts: Partition[] = [];
    for (let lo = range.lo; lo < range.hi; lo += step) {
      parts.push({ relation, range: { lo, hi: Math.min(range.hi, lo + step) } });
    }
    return parts;
  });
}
