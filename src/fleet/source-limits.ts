/**
 * Limits the connections to a source, over all workers: each connection needs a token, which is an advisory lock in the
 * queue's PostgreSQL. The locks belong to the worker's session, so those of a worker that died are free at once.
 */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { sleep } from '../common/retry';

/** A server still has a connection for a moment after it was closed. */
const CLOSING_SECONDS = 0.25;

export interface Tokens {
  readonly count: number;
  /** May be called twice. */
  release(): Promise<void>;
}

export class SourceLimits {
  /** By source, the locks that this session has: PostgreSQL would give them to it a second time. */
  private readonly held = new Map<string, Set<number>>();
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly client: Client) {}

  /** Takes at most `wanted` of the source's `limit` tokens; undefined where all are taken. */
  async take(source: string, limit: number, wanted: number): Promise<Tokens | undefined> {
    // One at a time: `held` must be right when the next one looks at it.
    const taken = this.queue.then(() => this.lock(source, limit, wanted));
    this.queue = taken.catch(() => undefined);
    const numbers = await taken;
    if (numbers.length === 0) return undefined;
    let released = false;
    return {
      count: numbers.length,
      release: async () => {
        if (released) return;
        released = true;
        await sleep(CLOSING_SECONDS, undefined);
        await this.unlock(source, numbers);
      },
    };
  }

  private async lock(source: string, limit: number, wanted: number): Promise<readonly number[]> {
    const held = this.held.get(source) ?? new Set<number>();
    this.held.set(source, held);
    const taken: number[] = [];
    for (let number = 1; number <= limit && taken.length < wanted; number += 1) {
      if (held.has(number)) continue;
      const { rows } = await this.client.query<{ locked: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS locked', [
        lockClass(source),
        number,
      ]);
      if (rows[0]?.locked !== true) continue;
      held.add(number);
      taken.push(number);
    }
    return taken;
  }

  private async unlock(source: string, numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      this.held.get(source)?.delete(number);
      // Where the session is gone, so are its locks.
      await this.client.query('SELECT pg_advisory_unlock($1, $2)', [lockClass(source), number]).catch(() => undefined);
    }
  }
}

/** 32 bits with a sign, as PostgreSQL takes them. */
export function lockClass(source: string): number {
  return createHash('sha256').update(`pgsluice fleet\0${source}`).digest().readInt32BE(0);
}
