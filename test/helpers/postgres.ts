import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Client } from 'pg';
import { connectionString, startPostgres } from '../../scripts/demo/postgres-server';
import type { PostgresOptions, PostgresServer, ServerCoordinates } from '../../scripts/demo/postgres-server';
import { TEST_SERVER_VARIABLE, TEST_VERSION_VARIABLE } from './test-server-variable';

export type { PostgresOptions, PostgresServer, ServerCoordinates };
export { connectionString };

/** The server that all test files share. Never stop it: start one of your own for that. */
export function testServer(): ServerCoordinates {
  const text = process.env[TEST_SERVER_VARIABLE];
  if (text === undefined)
    throw new Error('No shared PostgreSQL: tests that need one must not be in a folder named unit or native.');
  return JSON.parse(text) as ServerCoordinates;
}

/** Major version of the shared server, for features that older ones lack. */
export function serverMajor(): number {
  return Number(process.env[TEST_VERSION_VARIABLE] ?? NEWEST_MAJOR);
}

const NEWEST_MAJOR = 18;

/** Reason to skip, for describeWhere: these tests need reading by ranges. */
export function rangesMissing(): string | undefined {
  return serverMajor() >= 14 ? undefined : 'PostgreSQL of 14 or later, which reads by ranges';
}

/** `it`, `test` or `describe` where the server can be read by ranges; else that of skipped tests, and says so. */
export function withRanges<T extends { readonly skip: T }>(declare: T): T {
  const missing = rangesMissing();
  if (missing === undefined) return declare;
  process.stderr.write(
    `Skipped, since there is no ${missing}: a test of ${basename(expect.getState().testPath ?? '')}\n`,
  );
  return declare.skip;
}

/** A server for one test file alone, of the shared one's version, to be killed, stopped and restarted. Close it in afterAll. */
export function startServer(options?: PostgresOptions): Promise<PostgresServer> {
  const version = process.env[TEST_VERSION_VARIABLE];
  return startPostgres({ ...(version === undefined ? {} : { version }), ...options });
}

export interface TestDatabase extends ServerCoordinates {
  readonly name: string;
  /** Connected to the database as superuser: an independent reader and writer. */
  readonly client: Client;
  /** A fresh folder for warehouse and state, removed by drop(). */
  readonly folder: string;
  /** One more connection, by default as the superuser; ended by drop(). */
  connect(login?: { readonly user: string; readonly password: string }): Promise<Client>;
  /** Ends every connection and removes the database. May be called twice. */
  drop(): Promise<void>;
}

export interface DatabaseOptions {
  /** By default the shared server. */
  readonly server?: ServerCoordinates;
  /** Database to copy. */
  readonly template?: string;
  /** By default a unique name. */
  readonly name?: string;
}

/** A database of its own for a test file. */
export async function createDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const { host, port, user, password } = options.server ?? testServer();
  const server = { host, port, user, password };
  const name = options.name ?? `test_${randomBytes(6).toString('hex')}`;
  await withClient(server, 'postgres', async (admin) => {
    const template = admin.escapeIdentifier(options.template ?? 'template0');
    await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(name)} TEMPLATE ${template}`);
  });

  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-test-'));
  const clients: Client[] = [];
  const connect: TestDatabase['connect'] = async (login = { user, password }) => {
    const client = await connectTo({ ...server, ...login }, name);
    clients.push(client);
    return client;
  };
  let dropped = false;
  return {
    ...server,
    name,
    client: await connect(),
    folder,
    connect,
    async drop() {
      if (dropped) return;
      dropped = true;
      rmSync(folder, { recursive: true, force: true });
      // A client whose server was killed cannot say good-bye.
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
      await dropDatabase(name, server).catch((error: NodeJS.ErrnoException) => {
        // A server of the test's own may be gone already, and the database with it.
        if (error.code !== 'ECONNREFUSED') throw error;
      });
    },
  };
}

/** Removes a database, and ends all of its connections. */
export async function dropDatabase(name: string, server: ServerCoordinates = testServer()): Promise<void> {
  await withClient(server, 'postgres', async (admin) => {
    // PostgreSQL 12 knows no FORCE.
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
    const force = serverMajor() >= 13 ? ' WITH (FORCE)' : '';
    await admin.query(`DROP DATABASE IF EXISTS ${admin.escapeIdentifier(name)}${force}`);
  });
}

/** Runs `action` with a database of its own, which is removed afterwards. */
export async function withDatabase<T>(
  action: (database: TestDatabase) => Promise<T>,
  options?: DatabaseOptions,
): Promise<T> {
  const database = await createDatabase(options);
  try {
    return await action(database);
  } finally {
    await database.drop();
  }
}

/** Runs `action` with a connection as superuser to any database of a server. */
export async function withClient<T>(
  server: ServerCoordinates,
  database: string,
  action: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await connectTo(server, database);
  try {
    return await action(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function connectTo({ host, port, user, password }: ServerCoordinates, database: string): Promise<Client> {
  const client = new Client({ host, port, user, password, database });
  // Tests kill servers on purpose; without a listener the lost connection would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
