/** One connection for one transaction. */
import type { ConnectionManager, Session } from '../connection';
import { endTransaction } from './snapshot';

/**
 * Leases a connection and runs `action`, which begins a transaction on it (`beginAndExport`, `beginAndImport`). The
 * transaction is ended and the connection released afterwards. After an error the connection is discarded: what state
 * it is in is not known.
 */
export async function withTransaction<T>(
  manager: ConnectionManager,
  signal: AbortSignal,
  action: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await manager.lease(signal);
  let result: T;
  try {
    result = await action(session);
    await endTransaction(session);
  } catch (error) {
    await manager.discard(session);
    throw error;
  }
  await manager.release(session);
  return result;
}
