/** Statements over many tables wait for none of them: a locked table is left to its own pass, which waits as configured. */
import type { Session, StatementContext } from './session';

const SHORT_LOCK_TIMEOUT_MS = 200;

/** From now on no statement of the session waits longer for a lock, until `waitForLocks` has been run. */
export async function waitForNoLock(session: Session, context: StatementContext): Promise<void> {
  const { lockTimeoutMs } = session;
  const limitMs = lockTimeoutMs === 0 ? SHORT_LOCK_TIMEOUT_MS : Math.min(SHORT_LOCK_TIMEOUT_MS, lockTimeoutMs);
  await session.query(`SELECT pg_catalog.set_config('lock_timeout', '${limitMs}', false) AS now`, context);
}

/** The statement that ends it, which may stand behind another one. */
export function waitForLocks(session: Session): string {
  return `SET lock_timeout = ${session.lockTimeoutMs}`;
}
