/** How old a transaction may be when it is committed, where other processes write the same storage meanwhile. */
import { ConnectorError } from '../../common/errors';
import type { Warehouse } from './warehouse';

const MS_OF_AN_HOUR = 3_600_000;

/** Throws where it has been open for too long; `begunMs` is of the wall clock, which goes on while a process is stopped. */
export function assertYoung({ storage, path }: Pick<Warehouse, 'storage' | 'path'>, begunMs: number): void {
  const { longestTransactionHours: most } = storage;
  const hours = (Date.now() - begunMs) / MS_OF_AN_HOUR;
  if (most === undefined || hours < most) return;
  throw new ConnectorError(
    `A transaction of ${path} has been open for ${Math.floor(hours)} hours, and ${most} are the most.`,
    {
      code: 'transaction_too_old',
      kind: 'destination',
      retryable: true,
      hint: 'Nothing of it was kept, since maintenance may have deleted what it needs; sync again.',
    },
  );
}
