/**
 * Ranges of a relation's rows, by their place in the heap.
 *
 * A position is block * 2048 + line pointer: one ordered number for a ctid. A heap page of 32 kB, the
 * largest, has 1,169 line pointers; the largest position (2^32 blocks) is below 2^53.
 */
export const POSITIONS_PER_BLOCK = 2048;

/** Positions from `lo` up to, not including, `hi`; `hi` may be Infinity. */
export interface TidRange {
  readonly lo: number;
  readonly hi: number;
}

export function blockRange(fromBlock: number, toBlock: number): TidRange {
  return { lo: fromBlock * POSITIONS_PER_BLOCK, hi: toBlock * POSITIONS_PER_BLOCK };
}

/** A position as PostgreSQL writes a ctid. */
export function tidLiteral(position: number): string {
  return `'(${Math.floor(position / POSITIONS_PER_BLOCK)},${position % POSITIONS_PER_BLOCK})'`;
}

/** `ranges` without `taken`; both in order, without overlap within themselves. */
export function subtractRange(ranges: readonly TidRange[], taken: TidRange): TidRange[] {
  return ranges.flatMap((range) => {
    if (taken.hi <= range.lo || taken.lo >= range.hi) return [range];
    const rest: TidRange[] = [];
    if (range.lo < taken.lo) rest.push({ lo: range.lo, hi: taken.lo });
    if (taken.hi < range.hi) rest.push({ lo: taken.hi, hi: range.hi });
    return rest;
  });
}
