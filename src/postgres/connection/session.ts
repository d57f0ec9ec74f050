/**
 * One connection with the session settings that make values exact and reading safe, and with a limit on every call.
 *
 * A call into a server that has stopped answering cannot be ended: its thread stays blocked. So a call that outlives
 * its limit, or its cancellation, is given up, and the session and its thread count as lost (common/stuck-calls).
 */
import { ConnectorError, interrupted } from '../../common/errors';
import type { StatementEvent } from '../../model/report';
import { cancelStatement } from './cancel-statement';
import { CANCEL_GRACE_MS, limited } from './limited-call';
import { losesConnection, translateOdbcError } from './odbc-error';
import { bufferFor, openOdbcConnection, type OdbcConnection, type OdbcRow, type OdbcTarget } from './odbc-driver';
import { Allowances, DENIED_OBJECTS } from './optional-facts';
import { RepeatedStatements, type RepeatedStatement } from './repeated-statements';
import { explainRefusal, refuseOtherProduct } from './server-product';
import { VALUE_SETTINGS } from './session-settings';
import { quoteLiteral } from './sql';

export interface SessionOptions extends OdbcTarget {
  /** 0: none */
  readonly statementTimeoutSeconds: number;
  /** 0: none */
  readonly lockTimeoutSeconds: number;
  /** A call without an answer for this long counts as lost. */
  readonly stallTimeoutSeconds: number;
  /** Settings of the session's own whose values are secret, by their names. */
  readonly secretSettings?: Readonly<Record<string, string>>;
  /** Called for every statement that has ended; must not throw. */
  readonly onStatement?: (statement: StatementEvent) => void;
}

export interface StatementContext {
  /** For messages: `reading public.orders`. */
  readonly doing: string;
  /** `schema.name` of the relation whose rows are read. */
  readonly reads?: string | readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Expected bytes of the result; a wrong number only costs time. */
  readonly longestValueBytes?: number;
}

/** At least: the question whether the server answers, TCP twice, SCRAM's two, and three statements of psqlODBC's own. */
const LOGIN_ROUND_TRIPS = 7;

/**
 * Connections whose call never came back are kept here. If they were collected as garbage, the odbc package would free
 * their handles on the main thread while another thread is still inside the driver.
 */
const lostConnections = new Set<OdbcConnection>();

/** Milliseconds of a monotonic clock. */
export type Clock = () => number;
export const monotonicClock: Clock = () => performance.now();

export class Session {
  private readonly repeated = new RepeatedStatements();
  private fastestMs = Infinity;
  private broken = false;
  /** A call of this session was given up: its thread is blocked, and close() would block another. */
  private blocked = false;
  private closed = false;

  private constructor(
    private readonly connection: OdbcConnection,
    private readonly options: SessionOptions,
    readonly openedAtMs: number,
    /** pg_backend_pid, for messages and tests */
    readonly backendPid: number,
    /** The optional objects that the role may use. */
    readonly allowances: Allowances,
  ) {}

  static async open(options: SessionOptions, clock: Clock = monotonicClock, signal?: AbortSignal): Promise<Session> {
    if (isAborted(signal)) throw interrupted('Interrupted before connecting.');
    const startedMs = performance.now();
    const connecting = openOdbcConnection(options, signal);
    let connection: OdbcConnection;
    try {
      connection = await limited(connecting, {
        limitMs: (options.connectTimeoutSeconds + 5) * 1000,
        doing: 'connecting',
        signal,
        // A connection that arrives after it was given up is closed, not leaked.
        onGivenUp: () => void connecting.then((late) => late.close()).catch(() => undefined),
      });
    } catch (error) {
      const translated = translateOdbcError(error, 'connecting');
      throw translated.kind === 'source' ? atLogin(translated) : translated;
    }
    const probe = new Session(connection, options, clock(), 0, new Allowances(''));
    const loginMs = performance.now() - startedMs;
    try {
      const context = { doing: 'preparing the connection', signal };
      const [row] = await probe.query(sessionSettings(options), context).catch(async (error: unknown) => {
        const asked = async (): Promise<string> =>
          String((await probe.query('SELECT version() AS product', context))[0]?.['product']);
        throw await explainRefusal(error, asked);
      });
      refuseOtherProduct(String(row?.['product']));
      await probe.makeSecretSettings(options.secretSettings ?? {}, context);
      const denied = row?.['denied'];
      const allowances = new Allowances(typeof denied === 'string' ? denied : '');
      const session = new Session(connection, options, clock(), Number(row?.['pid']), allowances);
      session.fastestMs = Math.min(loginMs / LOGIN_ROUND_TRIPS, probe.roundTripMs);
      return session;
    } catch (error) {
      await probe.close();
      throw error;
    }
  }

  /** Milliseconds of a round trip, or a little more: a share of the login, or what the fastest statement took. */
  get roundTripMs(): number {
    return this.fastestMs;
  }

  /** The session's limit, milliseconds; 0: none. */
  get lockTimeoutMs(): number {
    return Math.round(this.options.lockTimeoutSeconds * 1000);
  }

  /** False once the connection was lost; it must then be closed, not used. */
  get usable(): boolean {
    return !this.broken && this.connection.connected;
  }

  /**
   * Runs one statement, or several that are separated by semicolons in one round trip: only the first may return rows,
   * and the error of any of them is thrown. psqlODBC knows of a transaction only where BEGIN comes first.
   * Rejects with a ConnectorError; an abort cancels the statement on the server.
   */
  async query(sql: string, context: StatementContext): Promise<OdbcRow[]> {
    return await this.call(() => this.connection.query(sql, bufferFor(context.longestValueBytes ?? 0)), context);
  }

  /**
   * Their values are parameters, which pg_stat_activity does not show. The server's log has them only where it is told to
   * log statements with their parameters.
   */
  private async makeSecretSettings(
    settings: Readonly<Record<string, string>>,
    context: StatementContext,
  ): Promise<void> {
    const names = Object.keys(settings);
    if (names.length === 0) return;
    // What set_config returns is the value.
    const calls = names.map(
      (name, index) => `pg_catalog.set_config(${quoteLiteral(name)}, ?, false) IS NOT NULL AS s${index}`,
    );
    const sql = `SELECT ${calls.join(', ')}`;
    await this.call(() => this.connection.queryWith(sql, Object.values(settings)), context);
  }

  private async call(statement: () => Promise<OdbcRow[]>, context: StatementContext): Promise<OdbcRow[]> {
    if (isAborted(context.signal)) throw interrupted(`Interrupted before ${context.doing}.`);
    const { stallTimeoutSeconds } = this.options;
    const startedMs = performance.now();
    const tell = (failed: boolean): void =>
      this.options.onStatement?.({
        backendPid: this.backendPid,
        doing: context.doing,
        reads: context.reads,
        startedMs,
        endedMs: performance.now(),
        failed,
      });
    try {
      const rows = await limited(statement(), {
        // The limit applies even where the server allows more: a statement whose connection was cut cannot end it.
        limitMs: stallTimeoutSeconds * 1000,
        doing: context.doing,
        signal: context.signal,
        cancel: () => cancelStatement(this.options, this.backendPid),
        onGivenUp: () => {
          this.broken = true;
          this.blocked = true;
          lostConnections.add(this.connection);
        },
      });
      tell(false);
      this.fastestMs = Math.min(this.fastestMs, performance.now() - startedMs);
      return rows;
    } catch (error) {
      tell(true);
      const translated = translateOdbcError(error, context.doing);
      if (losesConnection(translated)) this.broken = true;
      throw isAborted(context.signal) ? interrupted(`Interrupted while ${context.doing}.`) : translated;
    }
  }

  /** Like `query`, for a statement that comes again and again with other values; see repeated-statements. */
  async queryRepeated(statement: RepeatedStatement, context: StatementContext): Promise<OdbcRow[]> {
    const { sql, succeeded } = this.repeated.next(statement);
    const rows = await this.query(sql, context);
    succeeded();
    return rows;
  }

  /** Closes the connection; may be called twice, never rejects, and never waits for a lost server. */
  async close(): Promise<void> {
    if (this.blocked || this.closed) return;
    this.closed = true;
    this.broken = true;
    const closing = this.connection.close().catch(() => undefined);
    await limited(closing, { limitMs: CANCEL_GRACE_MS, doing: 'closing the connection' }).catch(() => undefined);
  }
}

/** Wrapped in a function so that TypeScript does not narrow the flag from an earlier check. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** The error of a login, whatever class the server gives it. */
function atLogin(error: ConnectorError): ConnectorError {
  const { code, retryable, sqlState, cause } = error;
  // No PostgreSQL refuses the driver's own first statements.
  const refused = sqlState !== undefined && /^(?:42(?!501)|0A|22)/.test(sqlState);
  const hint = refused ? 'Check that "host" and "port" are those of a PostgreSQL server.' : error.hint;
  return new ConnectorError(error.message, {
    code,
    kind: 'connection',
    retryable,
    ...(sqlState === undefined ? {} : { sqlState }),
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}

/** Timeouts that older servers do not know (PostgreSQL 14, 17). They are set to 0, because a role may have others. */
const NEWER_TIMEOUTS = ['idle_session_timeout', 'transaction_timeout'];

/**
 * One statement sets everything that changes how a value is written or how long a statement may block others.
 * search_path is emptied, so every name in our SQL is qualified and no user object can replace a built-in one.
 */
function sessionSettings(options: SessionOptions): string {
  const settings: Record<string, string> = {
    ...VALUE_SETTINGS,
    standard_conforming_strings: 'on',
    default_transaction_read_only: 'on',
    // A role may have other values: a session that waits for a destination would be ended, or would wait for other
    // transactions.
    idle_in_transaction_session_timeout: '0',
    default_transaction_isolation: 'read committed',
    default_transaction_deferrable: 'off',
    statement_timeout: `${Math.round(options.statementTimeoutSeconds * 1000)}`,
    lock_timeout: `${Math.round(options.lockTimeoutSeconds * 1000)}`,
    // A batch is a short statement, and compiling it costs more than it saves.
    jit: 'off',
    // Only ranges of rows are prepared. The plan is the same for all of them, and preparing should save planning each.
    plan_cache_mode: 'force_generic_plan',
    // Parallel workers would take CPU the readers already share out.
    max_parallel_workers_per_gather: '0',
    // A seq scan that starts in the middle would break nothing, but cursors read in a stable order without it.
    synchronize_seqscans: 'off',
    // With the first row of a cursor needed as soon as the last, plans for the whole result are right.
    cursor_tuple_fraction: '1',
  };
  const calls = Object.entries(settings).map(
    ([name, value], index) =>
      `pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false) AS s${index}`,
  );
  const newer = NEWER_TIMEOUTS.map(
    (name, index) =>
      `CASE WHEN pg_catalog.current_setting('${name}', true) IS NOT NULL THEN pg_catalog.set_config('${name}', '0', false) END AS t${index}`,
  );
  return `SELECT pg_catalog.version() AS product, pg_catalog.pg_backend_pid() AS pid, ${DENIED_OBJECTS} AS denied, ${[...calls, ...newer].join(', ')}`;
}
