/**
 * Keeps the server's process from giving its memory back after each statement.
 *
 * A batch is gathered in blocks of hundreds of kilobytes. The C library (glibc) asks the kernel for such blocks and returns
 * them, so that each batch costs a page fault for every four kilobytes: a sixth of the server's CPU time. Once it has
 * freed a larger block, it keeps blocks up to that size, and twice as much of the heap (M_MMAP_THRESHOLD in mallopt(3)).
 * So one is made and freed, in the connections that have read enough for it to pay. Elsewhere it does nothing.
 */
import { ConnectorError } from '../../common/errors';
import { recover } from './snapshot';
import type { Session } from '../connection';

/** glibc follows up to 32 MB. */
const BLOCK_KILOBYTES = 30_000;
/** The block takes 10 to 20 ms, which is what it saves on as much. */
const WORTHWHILE_BYTES = 8_000_000;
/** The number of the process keeps the planner from making the block as well. */
const MAKE_BLOCK =
  `SELECT pg_catalog.octet_length(pg_catalog.repeat(pg_catalog.repeat('x', 1000), ` +
  `${BLOCK_KILOBYTES} + 0 * pg_catalog.pg_backend_pid())) AS bytes`;

const received = new WeakMap<Session, number>();

/** After every batch; in a transaction with its savepoint. Rejects only where reading cannot go on either. */
export async function keepServerMemory(session: Session, batchBytes: number, signal?: AbortSignal): Promise<void> {
  const before = received.get(session) ?? 0;
  received.set(session, before + batchBytes);
  if (before >= WORTHWHILE_BYTES || before + batchBytes < WORTHWHILE_BYTES) return;
  try {
    await session.query(MAKE_BLOCK, { doing: 'having the server keep its memory', signal });
  } catch (error) {
    if (!(error instanceof ConnectorError) || !session.usable || signal?.aborted === true) throw error;
    await recover(session, signal);
  }
}
