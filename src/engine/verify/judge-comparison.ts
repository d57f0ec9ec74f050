/**
 * What a comparison within a sync says about the copy, although the source may have been written since the table's pass.
 *
 * A row of the source that is older than the pass's snapshot was visible to the pass, so the warehouse must hold it as
 * it is. Newer rows are read again by the next pass in any case. Deleted rows leave no trace in the source. So a row
 * that only the warehouse has counts as deleted since, as long as the warehouse holds as many rows as its pass left.
 */
import type { NewerRows } from './verify-source';
import type { TableComparison } from './verify-table';

export type Verdict =
  /** Whatever was not written since the pass is the same on both sides. */
  | 'proven'
  /** The copy is wrong, whatever was written since. */
  | 'differs'
  /** What was written since the pass may explain the difference. */
  | 'unclear';

/** `syncedRows`: what the last pass left in the warehouse. */
export function judgeComparison(comparison: TableComparison, newer: NewerRows, syncedRows: number): Verdict {
  const { outcome, difference, sourceRows, warehouseRows } = comparison;
  if (outcome === 'equal') return 'proven';
  if (difference === undefined) return 'differs';
  if (newer === undefined) return 'unclear';
  if (newer !== 'by row') return newer === 0 && sourceRows === syncedRows ? 'differs' : 'unclear';
  const { onlyInSource, changed, sinceSync, complete } = difference;
  if (onlyInSource + changed > sinceSync || warehouseRows !== syncedRows) return 'differs';
  return complete ? 'proven' : 'unclear';
}
