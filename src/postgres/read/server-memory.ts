/**
 * Keeps the server's process from giving its memory back after each statement.
 *
 * A batch is gathered in blocks of hundreds of kilobytes. The C library (glibc) takes such blocks from the kernel and
 * returns them, so that each batch costs a page fault for every four kilobytes: a sixth of the server's CPU time. Once
 * it has freed a larger block, it keeps blocks up to that size, and twice as much of the heap (M_MMAP_THRESHOLD in
 * mallopt(3)). So each connection that has read enough makes the server allocate one such block and free it. With other
 * C libraries this has no effect.
 */
import { ConnectorError } from '../../common/errors';
import { recover } from './snapshot';
import type { Session } from '../connection';

/** glibc adapts to blocks of up to 32 MB. */
const BLOCK_KILOBYTES = 30_000;
/** Making the block takes 10 to 20 ms, which is what it saves for as much data. */
const WORTHWHILE_BYTES = 8_000_000;
/** The process id keeps the planner from making the block as well. */
const MAKE_BLOCK =
  `SELECT pg_catalog.octet_length(pg_catalog.repeat(pg_catalog.repeat('x', 1000), ` +
  `${BLOCK_KILOBYTES} + 0 * pg_catalog.pg_backend_pid())) AS bytes`;

const received = new WeakMap<Session, number>();

/**
 * Must be called after every batch, in a transaction with its savepoint. Rejects only where reading cannot go on
 * either.
 */
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
