/** Cuts the pending ranges into partitions, the units that readers take from the queue. */
import type { Relation, TableSchema } from '../../model/table';
import { POSITIONS_PER_BLOCK, type TidRange } from '../../model/tid-range';

export interface Partition {
  readonly relation: Relation;
  /** null: the whole relation, by a cursor. */
  readonly range: TidRange | null;
}

/** How much a partition may hold, whichever is less. */
export interface PartitionSize {
  readonly rows: number;
  /** Bytes as stored, TOAST included. Otherwise a table of few but wide rows would be one partition, for one reader. */
  readonly bytes: number;
}

/** For wide rows: enough batches that a reader is worth its connection. */
export function partitionBytes(batchBytes: number): number {
  return 4 * batchBytes;
}

/** Whether a table has more than one partition, as far as its estimates tell. */
export function isPartitioned(
  { estimatedRows, bytes }: Pick<TableSchema, 'estimatedRows' | 'bytes'>,
  size: PartitionSize,
): boolean {
  return estimatedRows > size.rows || bytes > size.bytes;
}

/** Partitions of about that size, in order, without gap or overlap over the pending ranges. */
export function planPartitions(relation: Relation, pending: readonly TidRange[], size: PartitionSize): Partition[] {
  const blocksOf = (share: number): number => Math.max(1, Math.round(share * Math.max(relation.blocks, 1)));
  const blocks = Math.min(
    blocksOf(size.rows / Math.max(relation.rows, 1)),
    blocksOf(size.bytes / Math.max(relation.bytes, 1)),
  );
  const step = blocks * POSITIONS_PER_BLOCK;
  return pending.flatMap((range) => {
    const parts: Partition[] = [];
    for (let lo = range.lo; lo < range.hi; lo += step) {
      parts.push({ relation, range: { lo, hi: Math.min(range.hi, lo + step) } });
    }
    return parts;
  });
}
