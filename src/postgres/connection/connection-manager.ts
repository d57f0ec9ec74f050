/**
 * A bounded set of connections.
 *
 * A session is leased to one reader at a time. States: idle (open, not leased) -> leased -> idle
 * again, or closed when it was lost, discarded, or is older than the expiry. Expiry is looked at between
 * two uses (`lease`) and, by readers, between two batches (`expired`); never in the middle of a statement.
 */
import { counted } from '../../common/counted';
import { asConnectorError, ConnectorError, interrupted } from '../../common/errors';
import type { Logger } from '../../common/logger';
import { sleep } from '../../common/retry';
import { monotonicClock, Session, type Clock, type SessionOptions } from './session';

export interface ConnectionManagerOptions {
  readonly session: SessionOptions;
  readonly maxConnections: number;
  /** Connections older than this are renewed before their next use. */
  readonly expiryMs: number;
  readonly clock?: Clock;
  readonly logger: Logger;
}

/** A server notices within milliseconds that a connection was closed; a busy one takes longer. */
const SERVER_CLOSING_SECONDS = 0.2;
const MOST_REFUSALS = 10;
/** Code of a connection that `maxConnections` forbids. */
const OWN_LIMIT = 'too_many_leases';

export class ConnectionManager {
  private readonly idle: Session[] = [];
  private readonly leased = new Set<Session>();
  private readonly clock: Clock;
  private readonly told = new Set<string>();
  private readonly waiting: (() => void)[] = [];
  private opening = 0;
  /** The server still has them. */
  private ending = 0;
  private closes = 0;
  private closed = false;
  private closing: Promise<unknown> = Promise.resolve();
  private ahead: { readonly settled: Promise<void>; readonly abort: AbortController } | undefined;

  constructor(private readonly options: ConnectionManagerOptions) {
    this.clock = options.clock ?? monotonicClock;
  }

  /**
   * Begins to open a connection where none is idle. A lease that comes meanwhile waits for it rather than opening its
   * own. If the connection fails, that lease tries by itself, and reports why.
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

  /**
   * Leases an open, unexpired session to the caller alone, until `release` or `discard`. Where the server gives no
   * further connection, it waits for one that others have. So a caller that holds a session must not wait here for
   * another.
   */
  async lease(signal?: AbortSignal): Promise<Session> {
    for (let refusals = 1; ; refusals += 1) {
      try {
        return await this.leaseNow(signal);
      } catch (error) {
        const { code } = asConnectorError(error);
        if (code !== 'too_many_connections' && code !== OWN_LIMIT) throw error;
        if (this.leased.size > 0 && code !== OWN_LIMIT) this.tellOnce(fewer(error));
        if (this.leased.size > 0 || (code === OWN_LIMIT && this.opening > 0)) await this.untilGivenBack(signal);
        // Another lease was given back while the server refused this one.
        else if (this.idle.length > 0) continue;
        // The server may not have noticed yet that the last connection was closed.
        else if (this.closes > 0 && refusals <= MOST_REFUSALS) await sleep(SERVER_CLOSING_SECONDS, signal);
        else throw error;
      }
    }
  }

  /** Like `lease`, for work that others can do as well; undefined where the server gives no further connection. */
  async leaseAnother(signal: AbortSignal): Promise<Session | undefined> {
    try {
      return await this.leaseNow(signal);
    } catch (thrown) {
      const error = asConnectorError(thrown);
      if (error.kind !== 'connection' || signal.aborted) throw error;
      if (error.code !== OWN_LIMIT) this.tellOnce(fewer(error));
      return undefined;
    }
  }

  /** Logs a warning that is the same for all tables, once. */
  tellOnce(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.options.logger.warning(message);
  }

  private async untilGivenBack(signal: AbortSignal | undefined): Promise<void> {
    await untilAborted(new Promise((resolve) => this.waiting.push(resolve)), signal);
    if (signal?.aborted === true) throw interrupted('Interrupted while waiting for a connection.');
  }

  private givenBack(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }

  private async leaseNow(signal: AbortSignal | undefined): Promise<Session> {
    if (this.idle.length === 0 && this.ahead !== undefined) await untilAborted(this.ahead.settled, signal);
    // The manager may have been closed meanwhile.
    if (this.closed) throw managerClosed();
    for (let session = this.idle.pop(); session !== undefined; session = this.idle.pop()) {
      if (session.usable && !this.expired(session)) {
        this.leased.add(session);
        return session;
      }
      await this.end(session);
    }
    if (this.full) {
      throw new ConnectorError(`Asked for more than ${counted(this.options.maxConnections, 'connection')} at once.`, {
        code: OWN_LIMIT,
        kind: 'connection',
      });
    }
    return await this.open(signal);
  }

  /** Ids of the server's processes for the connections that are open. */
  get backendPids(): number[] {
    return [...this.idle, ...this.leased].map(({ backendPid }) => backendPid);
  }

  /** Whether a session can be had without a login. */
  get hasIdle(): boolean {
    return this.idle.length > 0;
  }

  private get full(): boolean {
    return this.leased.size + this.opening + this.ending >= this.options.maxConnections;
  }

  private async open(signal?: AbortSignal): Promise<Session> {
    this.opening += 1;
    try {
      const session = await Session.open(this.options.session, this.clock, signal);
      if (this.closed) {
        await session.close();
        throw managerClosed();
      }
      this.leased.add(session);
      this.options.logger.info(`New database connection established at ${new Date().toISOString()}`);
      return session;
    } catch (error) {
      // Those who wait for this one must try by themselves; otherwise they wait for one that is leased.
      if (this.leased.size === 0) this.givenBack();
      throw error;
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
    if (this.closed || !session.usable || this.expired(session)) await this.end(session);
    else this.idle.push(session);
    this.givenBack();
  }

  /** Closes a session that is lost, or whose transaction should end with it. */
  async discard(session: Session): Promise<void> {
    this.leased.delete(session);
    await this.end(session);
    this.givenBack();
  }

  private async end(session: Session): Promise<void> {
    this.closes += 1;
    this.ending += 1;
    try {
      await session.close();
    } finally {
      this.ending -= 1;
    }
  }

  /** Closes everything, leased sessions too; may be called twice, and resolves when all of it is closed. */
  close(): Promise<void> {
    this.closed = true;
    const all = [...this.idle.splice(0), ...this.leased];
    this.leased.clear();
    this.givenBack();
    this.ahead?.abort.abort();
    this.closing = Promise.all([this.closing, this.ahead?.settled, ...all.map((session) => session.close())]);
    return this.closing.then(() => undefined);
  }
}

function managerClosed(): ConnectorError {
  return new ConnectorError('The connection manager is closed.', { code: 'closed', kind: 'internal' });
}

function fewer(error: unknown): string {
  return `The server gives no further connection, so fewer read at once: ${asConnectorError(error).message}`;
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
