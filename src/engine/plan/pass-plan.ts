/** Decides whether the changes since the last pass suffice, or everything must be read. */
import type { TableState } from '../../model/sync-state';
import type { ModeDecision } from './sync-modes';

/**
 * How deleted rows are found, which leave nothing to be read. count: rows are counted on both sides, and keys are
 * compared where the counts differ. keys: keys are compared in any case. none: they are not looked for.
 */
export type Proof = 'count' | 'keys' | 'none';

/** The work of a pass. Each kind has an object of its own that knows how to run it (engine/passes). */
export type PassPlan =
  | {
      readonly kind: 'full-load';
      /** Everything is read at each sync, unless nothing has changed since the last one. */
      readonly unlessUnchanged?: boolean;
    }
  | {
      readonly kind: 'by-xmin' | 'by-timestamp';
      readonly proof: Proof;
    }
  /** Rows are read by their keys, which the log names, those of deleted ones as well. */
  | { readonly kind: 'by-log' }
  /** No rows are read; keys are compared only. */
  | { readonly kind: 'keys-only' };

export interface PassDecision {
  readonly pass: PassPlan;
  /** A sentence for the log, where something other than the usual happens. */
  readonly notice: { readonly level: 'info' | 'warning'; readonly message: string } | undefined;
}

export interface PassInput {
  readonly decision: ModeDecision;
  readonly state: TableState | null;
  readonly signature: string;
  readonly source: string;
  readonly fullResync: boolean;
  readonly hasKey: boolean;
  /** So that transaction ids can be looked at. */
  readonly readByRanges: boolean;
  /**
   * Rules leave out rows. A row that changes so that a rule leaves it out would not be read, and would stay as it was.
   */
  readonly filtersRows: boolean;
  /** Rules, policies or an unknown server may give other values although no row has changed. */
  readonly mayDifferUnchanged: boolean;
  /** Only deleted rows are looked for. */
  readonly keysOnly: boolean;
  /** Compare keys in this pass, whatever the counts are. */
  readonly reconcile: boolean;
  /** Prove once in this many passes that no row is missing or gone; 0: never; undefined: at each pass. */
  readonly reconcileEvery: number | undefined;
  /** See `Destination.comparesKeys`. */
  readonly comparesKeys: boolean;
  /** The update column is believed between full loads, where the destination does not compare keys. */
  readonly trustsColumn: boolean;
  /** The slot still holds the log from where the table is known. */
  readonly logReachesBack: boolean;
}

const LOAD: PassPlan = { kind: 'full-load' };

/** Decides whether the changes since the last pass suffice, or everything must be read. */
export function decidePass(input: PassInput): PassDecision {
  const { decision, state, signature, source } = input;
  const load = (message?: string, level: 'info' | 'warning' = 'warning'): PassDecision => ({
    pass: LOAD,
    notice: message === undefined ? undefined : { level, message },
  });
  if (state?.lastSyncedAt == null) return load();
  if (input.fullResync) return load('is loaded from the start, as asked', 'info');
  // A load that has begun goes on, whatever the mode is.
  if (state.load !== null) return load();
  if (state.signature !== null && state.signature !== signature) {
    // The comparison of shapes has already reported the difference (engine/plan/schema-drift).
    return load();
  }
  if (input.keysOnly && input.hasKey) return { pass: { kind: 'keys-only' }, notice: undefined };
  if (state.proof?.differs === true)
    return load('was found to differ from its source by the proof of an earlier sync; it is loaded from the start');
  if (state.source !== source && decision.mode === 'full') return load();
  if (state.source !== source) {
    return load(
      'comes from another server than at the last sync, or from one that was restored, upgraded or promoted; it is loaded from the start',
    );
  }
  if (decision.mode === 'full') {
    return {
      pass: { kind: 'full-load', unlessUnchanged: input.comparesKeys && !input.mayDifferUnchanged },
      notice: undefined,
    };
  }
  if (decision.mode === 'timestamp' && (state.replicationKey !== decision.replicationKey || state.watermark === null)) {
    return load(`has no watermark of ${decision.replicationKey ?? ''} yet; it is loaded from the start`, 'info');
  }
  if (decision.mode === 'log' && input.logReachesBack && !input.reconcile)
    return { pass: { kind: 'by-log' }, notice: undefined };
  if (decision.mode === 'log' && (!input.comparesKeys || !input.readByRanges)) {
    return load('is loaded from the start, since the log does not reach back to its last sync', 'info');
  }
  if (decision.mode !== 'timestamp' && state.xmin === null) return load();
  const due = input.reconcile || isDue(input.reconcileEvery, state);
  if (!input.comparesKeys) {
    if (!input.reconcile && !input.filtersRows && !isDue(input.reconcileEvery ?? 0, state)) {
      return changes(decision, 'none', input.trustsColumn);
    }
    return load('is loaded from the start, which finds rows that were deleted or left out since as well', 'info');
  }
  if (input.reconcile) return changes(decision, 'keys');
  // What the log would have shown, a pass by transaction ids must prove.
  if (decision.mode === 'log') return changes(decision, 'count');
  // A row that changed so that a rule leaves it out is not read; only a count shows it.
  return changes(decision, due || input.filtersRows ? 'count' : 'none');
}

/**
 * The update column shows neither deleted rows nor late ones, so a pass that proves something scans transaction ids.
 */
function changes({ mode }: ModeDecision, proof: Proof, trustsColumn = true): PassDecision {
  const kind = mode === 'timestamp' && proof === 'none' && trustsColumn ? 'by-timestamp' : 'by-xmin';
  return { pass: { kind, proof }, notice: undefined };
}

/** Whether a proof is due, once in so many passes; undefined: at each pass. */
function isDue(every: number | undefined, { passesSinceReconcile }: TableState): boolean {
  return every === undefined || (every > 0 && passesSinceReconcile + 1 >= every);
}

/** The transaction from which on a pass by transaction ids must look for changes; null: none is known. */
export function unseenFrom({ xmin, unseenSince }: Pick<TableState, 'xmin' | 'unseenSince'>): string | null {
  return unseenSince ?? xmin;
}

/** age() compares 32 bits: beyond this distance old and new cannot be told apart. A margin is kept. */
const MAX_XID_DISTANCE = 2n ** 31n - 10_000_000n;

export function xidsComparable(since: string, now: string): boolean {
  const distance = BigInt(now) - BigInt(since);
  return distance >= 0n && distance < MAX_XID_DISTANCE;
}
