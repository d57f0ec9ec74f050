/** Which tables a sync proves, and in which order. */
import type { ProofMark, TableState } from '../../model/sync-state';

/** Whether the last proof is older than `seconds`; `nowMs` since 1970. */
export function isDue(proof: ProofMark | undefined, seconds: number, nowMs: number): boolean {
  if (proof?.provenAt == null) return true;
  const ageMs = nowMs - Date.parse(proof.provenAt);
  // A proof of the future is one of a clock that was wrong.
  return !(ageMs >= 0 && ageMs < seconds * 1000);
}

/**
 * Those that are due, the oldest first; tables that were never compared come before all others. An attempt counts as
 * well, so that a table that is always being written does not keep the others waiting.
 */
export function dueProofs<T extends { readonly committed: TableState | null }>(
  runs: readonly T[],
  seconds: number,
  nowMs: number,
): readonly T[] {
  const triedAt = ({ committed }: T): string => committed?.proof?.triedAt ?? '';
  return runs
    .filter(
      ({ committed }) =>
        committed?.lastSyncedAt != null && committed.load === null && isDue(committed.proof, seconds, nowMs),
    )
    .sort((a, b) => (triedAt(a) < triedAt(b) ? -1 : Number(triedAt(a) > triedAt(b))));
}
