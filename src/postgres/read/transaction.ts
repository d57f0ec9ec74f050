/** Runs a transaction on a connection of its own. */
import type { ConnectionManager, Session } from '../connection';
import { endTransaction } from './snapshot';

/**
 * Leases a connection and runs `action`, which begins a transaction on it (`beginAndExport`, `beginAndImport`).
 * Afterwards the transaction is ended and the connection released. After an error the connection is discarded, because
 * its state is unknown.
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
