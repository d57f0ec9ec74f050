/** How old a transaction may be when it is committed, where other processes write the same storage meanwhile. */
import { uptime } from 'node:os';
import { ConnectorError } from '../../common/errors';
import type { Warehouse } from './warehouse';

const SECONDS_OF_AN_HOUR = 3_600;

/** In seconds, by a clock that nobody sets, and that goes on while this process or its host sleeps. */
export function transactionClock(): number {
  return uptime();
}

/** Throws where the transaction that began at `begun` (see above) has been open for too long. */
export function assertYoung({ storage, path }: Pick<Warehouse, 'storage' | 'path'>, begun: number): void {
  const { longestTransactionHours: most } = storage;
  const hours = (transactionClock() - begun) / SECONDS_OF_AN_HOUR;
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
