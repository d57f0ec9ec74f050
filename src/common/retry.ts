import { interrupted } from './errors';

const MAX_DELAY_SECONDS = 300;

/**
 * Delay before attempt `attempt + 1`, in seconds: base = min(retrySleepSeconds * 2^attempt, 300),
 * then uniform in [0.5, 1.5] * base, so that connectors that failed together do not return together.
 * `attempt` counts from 0; `random` yields [0, 1).
 */
export function retryDelaySeconds(
  attempt: number,
  retrySleepSeconds: number,
  random: () => number = Math.random,
): number {
  const base = Math.min(retrySleepSeconds * 2 ** attempt, MAX_DELAY_SECONDS);
  return base * (0.5 + random());
}

/** Resolves after `seconds`, or rejects at once when the signal aborts. */
export async function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) throw interrupted('Interrupted while waiting.');
  await new Promise<void>((resolve, reject) => {
    const finish = (): void => {
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const timer = setTimeout(finish, seconds * 1000);
    const abort = (): void => {
      clearTimeout(timer);
      reject(interrupted('Interrupted while waiting.'));
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}
