/**
 * Decides who may read now. A slot is the right to use one connection. Waiting tables get slots in the order of the
 * plan, so the tables at the head go first. The limit is asked at every grant, because the table at the head and the
 * CPU's pressure change it.
 */
import { interrupted } from '../../common/errors';

interface Waiter {
  readonly position: number;
  grant(): void;
}

export class ReaderPool {
  private active = 0;
  private readonly waiters: Waiter[] = [];

  constructor(private readonly limit: () => number) {}

  /** Waits for a slot; rejects when the signal aborts. Every granted slot must be released. */
  async acquire(position: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw interrupted('Interrupted while waiting for a reader.');
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        const index = this.waiters.indexOf(waiter);
        if (index !== -1) this.waiters.splice(index, 1);
        reject(interrupted('Interrupted while waiting for a reader.'));
      };
      const waiter: Waiter = {
        position,
        grant: () => {
          signal.removeEventListener('abort', abort);
          this.active += 1;
          resolve();
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      const after = this.waiters.findIndex((other) => other.position > position);
      this.waiters.splice(after === -1 ? this.waiters.length : after, 0, waiter);
      this.grantAll();
    });
  }

  /** A slot where one is free and nobody waits for it; it must be released. */
  tryAcquire(): boolean {
    if (!this.hasRoom) return false;
    this.active += 1;
    return true;
  }

  release(): void {
    this.active -= 1;
    this.grantAll();
  }

  /** One more reader could run now. */
  get hasRoom(): boolean {
    return this.waiters.length === 0 && this.active < this.limit();
  }

  /** More readers run than are allowed now: one that can stop should. */
  get crowded(): boolean {
    return this.active > this.limit();
  }

  /** Must be called when the limit may have risen. */
  grantAll(): void {
    while (this.waiters.length > 0 && this.active < this.limit()) this.waiters.shift()?.grant();
  }
}
