import { type ConnectionManager, POOLER_HINT, type Session } from '../../postgres/connection';
import { failure, type Finding } from './finding';

const ASKED = 3;
/** A pooler that has no server left lets a login wait. */
const SECOND_LOGIN_MS = 5_000;

/**
 * Two connections that are open at once have two backends, and each keeps its own. Behind a pooler in transaction mode
 * they share one, or change it. Where no second connection is available, only the change would show.
 */
export async function checkPooling(manager: ConnectionManager, signal: AbortSignal): Promise<readonly Finding[]> {
  const sessions = [await manager.lease(signal)];
  try {
    await manager.lease(AbortSignal.any([signal, AbortSignal.timeout(SECOND_LOGIN_MS)])).then(
      (second) => sessions.push(second),
      // The number of free connections is another finding.
      () => undefined,
    );
    const backends: number[][] = [];
    for (const session of sessions) backends.push([session.backendPid, ...(await askBackends(session, signal))]);
    const [first = [], second = []] = backends;
    const changed = backends.some((pids) => new Set(pids).size > 1);
    if (!changed && !second.some((pid) => first.includes(pid))) return [];
    return [
      failure(
        'pooler',
        'A pooler in transaction mode stands before the server: sessions do not keep their settings.',
        POOLER_HINT,
      ),
    ];
  } finally {
    for (const session of sessions) await manager.release(session);
  }
}

async function askBackends(session: Session, signal: AbortSignal): Promise<readonly number[]> {
  const pids: number[] = [];
  for (let asked = 0; asked < ASKED; asked++) {
    const [row] = await session.query('SELECT pg_catalog.pg_backend_pid() AS pid', {
      doing: 'looking for a pooler',
      signal,
    });
    pids.push(Number(row?.['pid']));
  }
  return pids;
}
