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
  private ahead: { readonly session: Promise<Session>; readonly abort: AbortController } | undefined;

  constructor(private readonly options: ConnectionManagerOptions) {
    this.clock = options.clock ?? monotonicClock;
  }

  /** Begins to open a connection. The first lease gets it, or its error. */
  openAhead(): void {
    const abort = new AbortController();
    const session = this.open(abort.signal);
    session.catch(() => undefined);
    this.ahead = { session, abort };
  }

  /** An open, unexpired session for the caller alone, until `release` or `discard`. */
  async lease(signal?: AbortSignal): Promise<Session> {
    if (this.closed)
      throw new ConnectorError('The connection manager is closed.', { code: 'closed', kind: 'internal' });
    return (await this.openedAhead(signal)) ?? (await this.idleOrNew(signal));
  }

  private async openedAhead(signal?: AbortSignal): Promise<Session | undefined> {
    const { ahead } = this;
    if (ahead === undefined) return undefined;
    this.ahead = undefined;
    const abort = (): void => ahead.abort.abort();
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await ahead.session;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  private async idleOrNew(signal?: AbortSignal): Promise<Session> {
    for (let session = this.idle.pop(); session !== undefined; session = this.idle.pop()) {
      if (session.usable && !this.expired(session)) {
        this.leased.add(session);
        return session;
      }
      await session.close();
    }
    if (this.leased.size + this.opening >= this.options.maxConnections) {
      throw new ConnectorError(`More than ${this.options.maxConnections} connections were asked for at once.`, {
        code: 'too_many_leases',
        kind: 'internal',
      });
    }
    return await this.open(signal);
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

  /** Closes everything, leased sessions too; may be called twice. */
  async close(): Promise<void> {
    this.closed = true;
    this.ahead?.abort.abort();
    const ahead = this.ahead?.session.then(
      (session) => session.close(),
      () => undefined,
    );
    const all = [...this.idle.splice(0), ...this.leased];
    this.leased.clear();
    await Promise.all([ahead, ...all.map((session) => session.close())]);
  }
}
