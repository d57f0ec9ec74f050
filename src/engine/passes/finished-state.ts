/** The state of a table whose pass has ended. */
import type { FinishedLoad } from '../../destinations/destination';
import type { LoadProgress, TableState } from '../../model/sync-state';
import { shapeOf, unseenFrom, type TableRun } from '../plan';
import { contentMark } from './same-content';

/** What the pass has done. */
export interface PassOutcome {
  /** The xmin of the snapshot from which on changes were not seen. */
  readonly xmin: string;
  /** Rows read, or changed. */
  readonly changed: number;
  /** Rows marked deleted; undefined where they were not looked for. */
  readonly deleted: number | undefined;
}

export function finishedState(
  run: TableRun,
  finished: FinishedLoad,
  progress: LoadProgress,
  { xmin, changed, deleted }: PassOutcome,
): TableState {
  const { committed, pass } = run;
  const found = { at: progress.startedAt, changed, deleted: deleted ?? 0 };
  // A comparison of keys leaves everything as of the last pass: the next one begins where that did.
  if (committed !== null && pass.kind === 'keys-only') {
    // Keys do not show which rows an update column has missed.
    const passesSinceReconcile = committed.mode === 'timestamp' ? committed.passesSinceReconcile : 0;
    return { ...committed, rows: finished.rows, passesSinceReconcile, found };
  }
  const content = contentMark(run, finished.content);
  const unseenSince = committed !== null && pass.kind === 'by-timestamp' ? unseenFrom(committed) : null;
  return {
    destinationTable: run.destinationTable.name,
    mode: run.decision.mode,
    primaryKey: run.destinationTable.primaryKey,
    lastSyncedAt: progress.startedAt,
    rows: finished.rows,
    signature: run.signature,
    shape: shapeOf(run.planned.table, run.selection.columns),
    description: run.description,
    ...(content === undefined ? {} : { content }),
    source: run.source,
    relations: progress.relations.map(({ pending: _, ...mark }) => mark),
    xmin,
    ...(unseenSince === null ? {} : { unseenSince }),
    replicationKey: run.decision.replicationKey,
    watermark: progress.watermark,
    log: run.log,
    passesSinceReconcile: deleted === undefined ? (committed?.passesSinceReconcile ?? 0) + 1 : 0,
    found,
    // A new copy in place of one that differed is proven before all others.
    ...(committed?.proof === undefined || committed.proof.differs === true ? {} : { proof: committed.proof }),
    load: null,
  };
}
