/**
 * A source that was truncated or half restored must not empty the warehouse. A table of which a sync would mark most
 * rows deleted fails instead, until a user allows it.
 */
import { counted } from '../../common/counted';
import { ConnectorError } from '../../common/errors';
import type { TableRun } from '../plan';

/** Small tables may well be emptied. */
const GUARDED_ROWS = 1_000;

/**
 * `held` is how many rows the destination had before, without those marked deleted; `left` is how many of them the
 * source still has, at most.
 */
export function refuseManyDeletes(run: TableRun, held: number, left: number, maxPercent: number): void {
  const gone = held - left;
  if (held <= GUARDED_ROWS || gone * 100 <= held * maxPercent) return;
  throw new ConnectorError(
    `${run.key} has ${counted(left, 'row')} where it had ${held} at its last sync: ${gone} would be marked deleted, more than ${maxPercent} % of them.`,
    {
      code: 'too_many_deletes',
      kind: 'source',
      hint: 'If they are to go, run the sync once with --max-deletes 100; otherwise look at the source.',
    },
  );
}
