/** Takes a snapshot of a table, and checks that it comes from the server that the sync began with. */
import { ConnectorError } from '../../common/errors';
import { checkLayout, presentLayout, presentRelations } from '../../postgres/catalog';
import type { Session } from '../../postgres/connection';
import { beginAndExport, type SnapshotInfo } from '../../postgres/read';
import type { TableRun } from '../plan';

export async function takeSnapshot(run: TableRun, session: Session, signal: AbortSignal): Promise<SnapshotInfo> {
  // A partition that was dropped since then could not be locked.
  run.replan(await presentRelations(session, run.planned.table, signal));
  const { table } = run.planned;
  const snapshot = await beginAndExport(session, table.relations, signal, presentLayout(table));
  // The new server's transaction ids could not be compared with those of rows read before.
  if (snapshot.source !== run.source) {
    throw new ConnectorError('The server was promoted, restored or replaced by another during the sync.', {
      code: 'source_changed',
      kind: 'source',
      hint: 'Run the sync again: the table is then loaded from the start.',
    });
  }
  checkLayout(table, snapshot.layout);
  return snapshot;
}
