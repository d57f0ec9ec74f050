/** The PostgreSQL that keeps the queue: one session of our own beside those of pg-boss. */
import type { Client } from 'pg';
import { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import { shownCatalog } from '../destinations/lake-names';
import { loginOf, type ServerLogin } from './connection-string';

/** The schema of pg-boss, in the queue's database. */
export const QUEUE_SCHEMA = 'pgsluice_fleet';
/** Version of pg-boss's tables that this pgsluice works with: `pgboss.schema` in the package.json of pg-boss. */
export const QUEUE_VERSION = 46;

const CONNECT_TIMEOUT_MS = 15_000;
const KEEPALIVE_SECONDS = 10;

/** As the options say it; the catalog's database where they say nothing. */
function queueText({ fleet, lakeCatalog }: Settings): string {
  return fleet.queue ?? lakeCatalog;
}

export function queueLogin(settings: Settings): ServerLogin {
  return loginOf(queueText(settings));
}

/** For people, without a password. */
export function shownQueue(settings: Settings): string {
  return shownCatalog(queueText(settings));
}

/** `lost` is called once where the session ends by itself. */
export async function connectToQueue(settings: Settings, lost: (error: ConnectorError) => void): Promise<Client> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    ...queueLogin(settings),
    application_name: 'pgsluice fleet',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_SECONDS * 1000,
  });
  client.on('error', (error) => lost(queueError(settings, error)));
  try {
    await client.connect();
    // Where a host is gone without a word, its session ends after some 20 s, and its tokens with it.
    await client.query(
      "SELECT set_config('tcp_keepalives_idle', $1, false), set_config('tcp_keepalives_interval', '3', false), set_config('tcp_keepalives_count', '3', false)",
      [String(KEEPALIVE_SECONDS)],
    );
  } catch (error) {
    throw queueError(settings, error);
  }
  return client;
}

/** An error of the queue's server as a sentence. */
export function queueError(settings: Settings, error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const { message = String(error), code } = error as { readonly message?: string; readonly code?: string };
  const text = (message === '' ? (code ?? 'no answer') : message).replaceAll(/\s+/g, ' ').replace(/\.$/, '');
  // SQLSTATEs of the server itself: its answer is no failure of the connection, except for these classes.
  const answered = /^[0-9A-Z]{5}$/.test(code ?? '') && !/^(08|28|3D|53|57)/.test(code ?? '');
  return new ConnectorError(
    answered
      ? `The queue of the fleet in ${shownQueue(settings)} refused: ${text}.`
      : `The queue of the fleet in ${shownQueue(settings)} cannot be reached: ${text}.`,
    {
      code: answered ? 'fleet_queue' : 'fleet_queue_unreachable',
      kind: 'connection',
      retryable: true,
      cause: error,
      hint: 'Check "fleet_queue" (without it "lake_catalog"), the server and the login; what was committed is kept.',
    },
  );
}

/** Throws where `fleet init` has not been run, or where another version of the queue is there. */
export async function assertQueue(client: Client, settings: Settings): Promise<void> {
  const version = await queueVersion(client);
  if (version === QUEUE_VERSION) return;
  const place = shownQueue(settings);
  if (version === undefined)
    throw new ConnectorError(`There is no queue of a fleet in ${place}.`, {
      code: 'fleet_not_initialized',
      kind: 'configuration',
      hint: 'Run `pgsluice fleet init` once, with the same configuration.',
    });
  throw anotherVersion(version, place);
}

/** undefined: none is there. */
export async function queueVersion(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ there: string | null }>('SELECT to_regclass($1) AS there', [
    `${QUEUE_SCHEMA}.version`,
  ]);
  if (rows[0]?.there == null) return undefined;
  const found = await client.query<{ version: number }>(`SELECT version FROM ${QUEUE_SCHEMA}.version`);
  return found.rows[0]?.version;
}

export function anotherVersion(version: number, place: string): ConnectorError {
  const newer = version > QUEUE_VERSION;
  return new ConnectorError(
    `The queue of the fleet in ${place} is of version ${version}, and this pgsluice works with ${QUEUE_VERSION}.`,
    {
      code: 'fleet_queue_version',
      kind: 'configuration',
      hint: newer
        ? 'Use the pgsluice that the other workers use; nothing was changed.'
        : 'Stop the workers and run `pgsluice fleet init` with the new version.',
    },
  );
}

/** The server's clock must be so near to ours: maintenance deletes files by their age. */
const MOST_CLOCK_SECONDS = 60;

/** How far this host's clock is ahead of the server's, in seconds, less what the way there may have taken. */
export async function clockAhead(client: Client): Promise<number> {
  const before = Date.now();
  const { rows } = await client.query<{ ms: string }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms');
  const after = Date.now();
  const server = Number(rows[0]?.ms);
  if (server < before) return (before - server) / 1000;
  return server > after ? (after - server) / 1000 : 0;
}

export async function assertClock(client: Client): Promise<void> {
  const problem = clockProblem(await clockAhead(client));
  if (problem !== undefined) throw problem;
}

/** Where a clock so many seconds ahead (below 0: behind) is too far away; else undefined. */
export function clockProblem(aheadSeconds: number): ConnectorError | undefined {
  if (Math.abs(aheadSeconds) <= MOST_CLOCK_SECONDS) return undefined;
  const how = `${Math.round(Math.abs(aheadSeconds))} s ${aheadSeconds > 0 ? 'ahead of' : 'behind'}`;
  return new ConnectorError(`The clock of this host is ${how} the clock of the queue's server.`, {
    code: 'fleet_clock',
    kind: 'configuration',
    hint: `Synchronize both (NTP): they may be ${MOST_CLOCK_SECONDS} s apart, since files are deleted by their age.`,
  });
}
