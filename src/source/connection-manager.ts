/**
 * A bounded set of connections.
 *
 * A session is leased to one reader at a time. States: idle (open, in nobody's hands) -> leased -> idle
 * again, or closed when it was lost, discarded, or is older than the expiry. Expiry is looked at between
 * two uses (`lease`) and, by readers, between two batches (`expired`); never in the middle of a statement.
 */
import { ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { monotonicClock, Session, type Clock, type SessionOptions } from './session';

export interface ConnectionManagerOptions {
  readonly session: SessionOptions;
  readonly maxConnections: number;
  /** Connections older than this are renewed before their next use. */
  readonly expiryMs: number;
  readonly clock?: Clock;
  readonly logger: Logger;
}

export class ConnectionManager {
  private readonly idle: Session[] = [];
  private readonly leased = new Set<Session>();
  private readonly clock: Clock;
  private opening = 0;
  private closed = false;
  private closing: Promise<unknown> = Promise.resolve();
  private ahead: { readonly settled: Promise<void>; readonly abort: AbortController } | undefined;

  constructor(private readonly options: ConnectionManagerOptions) {
    this.clock = options.clock ?? monotonicClock;
  }

  /**
   * Begins to open a connection where none is idle. A lease that comes meanwhile waits for it rather than open one of
   * its own; where it cannot be had, that lease tries by itself, and knows why.
   */
  openAhead(): void {
    if (this.closed || this.ahead !== undefined || this.idle.length > 0 || this.full) return;
    const abort = new AbortController();
    const settled = this.open(abort.signal)
      .then((session) => this.release(session))
      .catch(() => undefined)
      .finally(() => (this.ahead = undefined));
    this.ahead = { settled, abort };
  }

  /** An open, unexpired session for the caller alone, until `release` or `discard`. */
  async lease(signal?: AbortSignal): Promise<Session> {
    if (this.idle.length === 0 && this.ahead !== undefined) await untilAborted(this.ahead.settled, signal);
    // It may have been closed meanwhile.
    if (this.closed)
      throw new ConnectorError('The connection manager is closed.', { code: 'closed', kind: 'internal' });
    for (let session = this.idle.pop(); session !== undefined; session = this.idle.pop()) {
      if (session.usable && !this.expired(session)) {
        this.leased.add(session);
        return session;
      }
      await session.close();
    }
    if (this.full) {
      throw new ConnectorError(`More than ${this.options.maxConnections} connections were asked for at once.`, {
        code: 'too_many_leases',
        kind: 'internal',
      });
    }
    return await this.open(signal);
  }

  private get full(): boolean {
    return this.leased.size + this.opening >= this.options.maxConnections;
  }

  private async open(signal?: AbortSignal): Promise<Session> {
    this.opening += 1;
    try {
      const session = await Session.open(this.options.session, this.clock, signal);
      this.leased.add(session);
      this.options.logger.info(`New database connection established at ${new Date().toISOString()}`);
      return session;
    } finally {
      this.opening -= 1;
    }
  }

  /** Whether the session has reached its age and should be renewed at the next good moment. */
  expired(session: Session): boolean {
    return this.clock() - session.openedAtMs >= this.options.expiryMs;
  }

  /** Gives a session back. It must not be inside a transaction. */
  async release(session: Session): Promise<void> {
    if (!this.leased.delete(session)) return;
    if (this.closed || !session.usable || this.expired(session)) await session.close();
    else this.idle.push(session);
  }

  /** Closes a session that is lost, or whose transaction should end with it. */
  async discard(session: Session): Promise<void> {
    this.leased.delete(session);
    await session.close();
  }

  /** Closes everything, leased sessions too; may be called twice, and resolves when all of it is closed. */
  close(): Promise<void> {
    this.closed = true;
    const all = [...this.idle.splice(0), ...this.leased];
    this.leased.clear();
    this.ahead?.abort.abort();
    this.closing = Promise.all([this.closing, this.ahead?.settled, ...all.map((session) => session.close())]);
    return this.closing.then(() => undefined);
  }
}

/** Resolves with the promise, or when the signal aborts. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  let stop = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (stop = resolve));
  signal?.addEventListener('abort', stop, { once: true });
  await Promise.race([promise, aborted]);
  signal?.removeEventListener('abort', stop);
}
