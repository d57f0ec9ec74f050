import type * as Odbc from 'odbc';
import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { ConnectorError, interrupted } from '../../common/errors';
import { answers, type ServerAddress } from './server-answer';

/** One result row: column alias to value. Packed queries alias every column, since equal names collapse. */
export type OdbcRow = Record<string, unknown>;

/** The part of the `odbc` package's connection that the product uses. */
export interface OdbcConnection {
  readonly connected: boolean;
  /** `bufferBytes`: see `bufferFor`. */
  query(sql: string, bufferBytes?: number): Promise<OdbcRow[]>;
  /** With values in the place of question marks, which the driver sends apart from the statement. */
  queryWith(sql: string, values: readonly string[]): Promise<OdbcRow[]>;
  close(): Promise<void>;
}

/** A packed cell is usually a few hundred kB; from the package's default on, it would double its way up. */
const USUAL_BUFFER_BYTES = 512 * 1024;
const MOST_BUFFER_BYTES = 64 * 1024 * 1024;
const ROOM_TO_GROW = 1.25;

/**
 * First size of the buffer for each long value, where the longest may have so many bytes. A value that does not fit is
 * read once more, byte by byte, into a buffer of the driver's own (psqlODBC's convert_linefeeds), and copied from there
 * in pieces. Memory that is not written to costs nothing.
 */
export function bufferFor(longestValueBytes: number): number {
  return Math.min(Math.max(USUAL_BUFFER_BYTES, Math.ceil(longestValueBytes * ROOM_TO_GROW)), MOST_BUFFER_BYTES);
}

export interface OdbcTarget {
  readonly connectionString: string;
  readonly connectTimeoutSeconds: number;
  /** undefined: unknown, or several. */
  readonly server?: ServerAddress | undefined;
}

/**
 * Opens one connection, to a server that has been seen to answer. If it did not answer the login, all other connections
 * of the process would wait. Rejects with the package's own error, which postgres/connection/odbc-error translates.
 */
export async function openOdbcConnection(target: OdbcTarget, signal?: AbortSignal): Promise<OdbcConnection> {
  if (target.server !== undefined) await expectAnswer(target.server, target, signal);
  const { connectionString, connectTimeoutSeconds } = target;
  const connection = await odbcPackage().connect({ connectionString, loginTimeout: connectTimeoutSeconds });
  // Declared as a method by the package's types, but a getter in fact.
  const state = connection as unknown as { readonly connected: boolean };
  return {
    get connected() {
      return state.connected;
    },
    query: (sql, bufferBytes = USUAL_BUFFER_BYTES) =>
      connection.query<OdbcRow, Odbc.QueryOptions>(sql, { initialBufferSize: bufferBytes }),
    queryWith: (sql, values) => connection.query<OdbcRow>(sql, [...values]),
    close: () => connection.close(),
  };
}

async function expectAnswer(
  server: ServerAddress,
  { connectTimeoutSeconds: seconds }: OdbcTarget,
  signal?: AbortSignal,
): Promise<void> {
  if (await answers(server, seconds * 1000, signal)) return;
  if (signal?.aborted === true) throw interrupted('Interrupted while connecting.');
  throw new ConnectorError(
    `The server at "${server.host}", port ${server.port} did not answer for ${seconds} s (while connecting).`,
    {
      code: 'timeout',
      kind: 'connection',
      retryable: true,
      sqlState: 'HYT00',
      hint: 'Check the server, the network, and "host" and "port".',
    },
  );
}

let loaded: typeof Odbc | undefined;

function odbcPackage(): typeof Odbc {
  if (loaded === undefined) {
    try {
      // Loaded on first use: `--help` must work on a host without unixODBC.
      loaded = require('odbc') as typeof Odbc;
    } catch (cause) {
      throw new ConnectorError('The npm package "odbc" cannot be loaded on this host.', {
        code: 'odbc_not_loadable',
        kind: 'connection',
        hint: 'Install unixODBC (Debian: apt-get install unixodbc unixodbc-dev) and run "npm rebuild odbc"; an npm that blocks install scripts needs "--allow-scripts=odbc" as well.',
        cause,
      });
    }
  }
  return loaded;
}

/** Checks that the package can be used; throws the sentence that says what to do. */
export function loadOdbc(): void {
  odbcPackage();
}

/** Names of the registered ODBC drivers, in the order of odbcinst.ini; empty when none or unknown. */
function installedDrivers(): readonly string[] {
  try {
    const listing = execFileSync('odbcinst', ['-q', '-d'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return sectionNames(listing);
  } catch {
    return driversFromFile(
      process.env['ODBCSYSINI'] === undefined ? '/etc/odbcinst.ini' : `${process.env['ODBCSYSINI']}/odbcinst.ini`,
    );
  }
}

function driversFromFile(path: string): readonly string[] {
  try {
    return sectionNames(readFileSync(path, 'utf8')).filter((name) => name !== 'ODBC' && name !== 'ODBC Drivers');
  } catch {
    return [];
  }
}

function sectionNames(ini: string): readonly string[] {
  return [...ini.matchAll(/^\s*\[([^\]]+)\]/gm)].map((match) => (match[1] ?? '').trim());
}

/**
 * Chooses the driver: the configured one, which must be registered, or the installed PostgreSQL driver (its names
 * differ between distributions), the Unicode one before the others.
 */
export function chooseDriver(configured: string | undefined): string {
  const installed = installedDrivers();
  if (configured !== undefined) {
    // A path to the driver's library is passed through: unixODBC accepts it in DRIVER=.
    if (configured.includes('/') || installed.includes(configured)) return configured;
    throw driverError(`The ODBC driver "${configured}" is not installed.`, installed);
  }
  const candidates = installed.filter((name) => /postgres|psqlodbc/i.test(name));
  const chosen = candidates.find((name) => /unicode|psqlodbcw/i.test(name)) ?? candidates[0];
  if (chosen === undefined)
    throw driverError(`No ODBC driver${installed.length === 0 ? '' : ' for PostgreSQL'} is installed.`, installed);
  return chosen;
}

function driverError(message: string, installed: readonly string[]): ConnectorError {
  const list = installed.length === 0 ? '' : `Installed: ${installed.map((name) => `"${name}"`).join(', ')}. `;
  return new ConnectorError(message, {
    code: 'driver_missing',
    kind: 'connection',
    hint: `${list}Install psqlODBC (Debian: apt-get install odbc-postgresql; RHEL: dnf install postgresql-odbc; macOS: brew install psqlodbc) or set "driver" to an installed one.`,
  });
}
