/** Tells what stands between us and the server: nothing, a pooler that a sync cannot work through, or one that it can. */
import {
  checkSettings,
  type ConnectionManager,
  POOLER_HINT,
  type Session,
  SETTINGS_SEEN,
} from '../../postgres/connection';
import { failure, warning, type Finding } from './finding';

const ASKED = 3;
/** A pooler that has no server left lets a login wait. */
const SECOND_LOGIN_MS = 5_000;

interface Backends {
  readonly pids: ReadonlySet<number>;
  /** Whether the session's settings were in force at each. */
  readonly keepsSettings: boolean;
}

/**
 * Two connections that are open at once have two backends, and each keeps its own. Behind a pooler in transaction mode
 * they share one, or come upon one without their settings. A pooler that balances load (pgpool) has backends for each
 * session on several servers, with the settings of the session on all of them.
 */
export async function checkPooling(manager: ConnectionManager, signal: AbortSignal): Promise<readonly Finding[]> {
  const sessions = [await manager.lease(signal)];
  try {
    await manager.lease(AbortSignal.any([signal, AbortSignal.timeout(SECOND_LOGIN_MS)])).then(
      (second) => sessions.push(second),
      // The number of free connections is another finding.
      () => undefined,
    );
    const backends: Backends[] = [];
    for (const session of sessions) backends.push(await askBackends(session, signal));
    const [first, second] = backends;
    const shared = [...(second?.pids ?? [])].some((pid) => first?.pids.has(pid));
    if (shared || backends.some(({ keepsSettings }) => !keepsSettings)) return [inTransactionMode()];
    const changed = backends.some(({ pids }) => pids.size > 1);
    // With one session alone, whether others share its backends cannot be seen.
    if (!changed) return [];
    return [second === undefined ? inTransactionMode() : balancing()];
  } finally {
    for (const session of sessions) await manager.release(session);
  }
}

function inTransactionMode(): Finding {
  return failure(
    'pooler',
    'A pooler in transaction mode stands before the server: sessions do not keep their settings.',
    POOLER_HINT,
  );
}

function balancing(): Finding {
  return warning(
    'pooler',
    'A pooler that balances load stands before the server: several servers answer one session, which keeps its settings on each.',
    'A sync works through it; connect to one server directly if you can, since a standby that lags shows rows of before.',
  );
}

async function askBackends(session: Session, signal: AbortSignal): Promise<Backends> {
  const doing = 'looking for a pooler';
  const pids = new Set([session.backendPid]);
  let keepsSettings = true;
  for (let asked = 0; asked < ASKED; asked++) {
    const [row] = await session.query(`SELECT pg_catalog.pg_backend_pid() AS pid, ${SETTINGS_SEEN} AS s`, {
      doing,
      signal,
    });
    pids.add(Number(row?.['pid']));
    keepsSettings &&= hasSettings(() => checkSettings(row, doing));
  }
  return { pids, keepsSettings };
}

function hasSettings(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
