/** Readers that share one snapshot and take parts of its work from one queue. */
import { asConnectorError, type ConnectorError } from '../../common/errors';
import type { Relation } from '../../model/table';
import type { ConnectionManager, Session } from '../../postgres/connection';
import type { SnapshotInfo } from '../../postgres/read';
import { withJoinedSession } from './join-snapshot';

export interface ParallelReaders {
  readonly manager: ConnectionManager;
  readonly snapshot: SnapshotInfo;
  /** What the readers lock. */
  readonly relations: readonly Relation[];
  /** The most readers, the first one included. */
  readonly most: number;
  /** Whether one more may come now; where it may, `left` is called when it has gone. Missing: it may. */
  readonly mayCome?: () => boolean;
  readonly left?: () => void;
  readonly signal: AbortSignal;
}

/** Runs `work` once for each part; rejects with the first error, when every reader has stopped. */
export async function readInParallel<Part>(
  first: Session,
  readers: ParallelReaders,
  parts: readonly Part[],
  work: (session: Session, part: Part) => Promise<void>,
): Promise<void> {
  const { manager, snapshot, relations, most, signal } = readers;
  const queue = [...parts];
  let failure: ConnectorError | undefined;
  const read = async (session: Session): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && failure === undefined; next = queue.shift())
      await work(session, next);
  };
  const fail = (error: unknown): void => {
    failure ??= asConnectorError(error);
  };
  const help = async (): Promise<void> => {
    if (readers.mayCome?.() === false) return;
    try {
      // Where it may not join, the others read the rest.
      await withJoinedSession(manager, snapshot, relations, signal, read);
    } finally {
      readers.left?.();
    }
  };
  const helpers = Math.min(most, queue.length) - 1;
  await Promise.all([
    read(first).catch(fail),
    ...Array.from({ length: Math.max(0, helpers) }, () => help().catch(fail)),
  ]);
  if (failure !== undefined) throw failure;
}
