/** The state of a table whose pass has ended. */
import type { FinishedLoad } from '../../destinations/destination';
import type { LoadProgress, TableState } from '../../model/sync-state';
import { shapeOf, type TableRun } from '../plan';

/** `xmin` is the snapshot from which on changes were not seen; `reconciled` says that deleted rows were looked for. */
export function finishedState(
  run: TableRun,
  finished: FinishedLoad,
  progress: LoadProgress,
  xmin: string,
  reconciled: boolean,
): TableState {
  const { committed, pass } = run;
  // A comparison of keys leaves everything as of the last pass, so the next pass begins where that one did.
  if (committed !== null && pass.kind === 'keys-only') {
    return { ...committed, rows: finished.rows, passesSinceReconcile: 0 };
  }
  return stateAfter(run, finished, progress, xmin, reconciled);
}

function stateAfter(
  run: TableRun,
  finished: FinishedLoad,
  progress: LoadProgress,
  xmin: string,
  reconciled: boolean,
): TableState {
  return {
    destinationTable: run.destinationTable.name,
    mode: run.decision.mode,
    primaryKey: run.destinationTable.primaryKey,
    lastSyncedAt: progress.startedAt,
    rows: finished.rows,
    signature: run.signature,
    shape: shapeOf(run.planned.table, run.selection.columns),
    description: run.description,
    source: run.source,
    relations: progress.relations.map(({ oid, fileNode }) => ({ oid, fileNode })),
    xmin,
    replicationKey: run.decision.replicationKey,
    watermark: progress.watermark,
    passesSinceReconcile: reconciled ? 0 : (run.committed?.passesSinceReconcile ?? 0) + 1,
    load: null,
  };
}
