/** Lets a further reader of a table join its snapshot. Such a reader speeds things up, but is never necessary. */
import { asConnectorError } from '../../common/errors';
import type { Relation } from '../../model/table';
import type { ConnectionManager, Session } from '../../postgres/connection';
import { beginAndImport, endTransaction, type SnapshotInfo } from '../../postgres/read';

/**
 * A server that has refused so often is not asked again. The first refusal may only mean that the snapshot has just
 * ended.
 */
const MOST_REFUSALS = 2;
const refusals = new WeakMap<ConnectionManager, number>();

/**
 * A session that has joined the snapshot, to be released or discarded. Returns undefined where the present readers must
 * suffice: there is no further connection, a session waits for a lock, or the server refuses. A pooler that balances
 * load sends SET TRANSACTION SNAPSHOT to servers that do not have the snapshot (pgpool-II then closes the connection).
 * Where the snapshot itself is gone, its own reader finds out, and reports better what happened.
 */
async function joinSnapshot(
  manager: ConnectionManager,
  snapshot: SnapshotInfo,
  relations: readonly Relation[],
  signal: AbortSignal,
): Promise<Session | undefined> {
  const refused = refusals.get(manager) ?? 0;
  if (refused >= MOST_REFUSALS) return undefined;
  const session = await manager.leaseAnother(signal);
  if (session === undefined) return undefined;
  try {
    if (await beginAndImport(session, snapshot, relations, signal)) return session;
  } catch (thrown) {
    const error = asConnectorError(thrown);
    await manager.discard(session);
    if (signal.aborted || (error.kind !== 'source' && error.kind !== 'connection')) throw error;
    refusals.set(manager, refused + 1);
    if (refused === 0)
      manager.tellOnce(
        `A second reader could not join the snapshot of the first, which reads on alone: ${error.message} ` +
          'If this comes at every sync, a pooler stands between: connect to PostgreSQL itself, or set "custom_threads" to 1.',
      );
    return undefined;
  }
  await manager.release(session);
  return undefined;
}

/**
 * Runs `action` with a session that has joined the snapshot. Returns false where none could, and the present readers
 * must suffice.
 */
export async function withJoinedSession(
  manager: ConnectionManager,
  snapshot: SnapshotInfo,
  relations: readonly Relation[],
  signal: AbortSignal,
  action: (session: Session) => Promise<void>,
): Promise<boolean> {
  const session = await joinSnapshot(manager, snapshot, relations, signal);
  if (session === undefined) return false;
  try {
    await action(session);
    await endTransaction(session);
  } catch (error) {
    await manager.discard(session);
    throw error;
  }
  await manager.release(session);
  return true;
}
