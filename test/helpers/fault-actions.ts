/** The faults that a running sync may meet. Each action restores everything in the end, however late. */
import { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningCli } from './cli';
import type { PostgresServer, TestDatabase } from './postgres';
import { withClient } from './postgres';
import type { Random } from './random';
import type { TcpProxy } from './tcp-proxy';

export interface Scene {
  readonly run: RunningCli;
  readonly server: PostgresServer;
  readonly database: TestDatabase;
  /** The proxy between the sync and the server. */
  readonly proxy: TcpProxy;
  readonly random: Random;
}

export type Fault = (scene: Scene) => Promise<void> | void;

/** Calls `what` (pg_terminate_backend, pg_cancel_backend) on connections of syncs. */
async function onBackends({ server }: Scene, what: string, limit: number): Promise<void> {
  await withClient(server, 'postgres', async (admin) => {
    await admin.query(
      `SELECT ${what}(pid) FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice' ORDER BY random() LIMIT ${limit}) AS p`,
    );
  });
}

/** Takes every connection that the server has, for a moment. */
async function crowd({ server, database, random }: Scene): Promise<void> {
  const guests: Client[] = [];
  try {
    for (;;) {
      const { host, port, user, password } = server;
      const guest = new Client({ host, port, user, password, database: database.name });
      guest.on('error', () => undefined);
      await guest.connect();
      guests.push(guest);
    }
  } catch {
    // The disk is full.
  }
  await delay(random.integer(50, 500));
  await Promise.all(guests.map((guest) => guest.end().catch(() => undefined)));
}

/** Several statements are one transaction. */
async function change(server: PostgresServer, database: TestDatabase, statements: string): Promise<void> {
  await withClient(server, database.name, (client) => client.query(statements));
}

async function forAWhile(random: Random, start: () => void, end: () => void): Promise<void> {
  start();
  await delay(random.integer(100, 2500));
  end();
}

export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill -9 of the sync': ({ run }) => run.kill('SIGKILL'),
  'SIGTERM to the sync': ({ run }) => run.kill('SIGTERM'),
  'one backend terminated': (scene) => onBackends(scene, 'pg_terminate_backend', 1),
  'all backends terminated': (scene) => onBackends(scene, 'pg_terminate_backend', 100),
  'statements cancelled': (scene) => onBackends(scene, 'pg_cancel_backend', 100),
  'kill -9 of the server': async ({ server, random }) => {
    server.kill('SIGKILL');
    await delay(random.integer(0, 500));
    await server.restart();
  },
  'restart of the server': ({ server }) => server.restart(),
  'no connection to spare': crowd,
  'the network cut': async ({ proxy, random }) => {
    await forAWhile(
      random,
      () => {
        proxy.refuse();
        proxy.cut();
      },
      () => proxy.accept(),
    );
  },
  'the connections reset': ({ proxy }) => proxy.reset(),
  'half-open connections': ({ proxy }) => proxy.halfClose(),
  'the network stalled': ({ proxy, random }) =>
    forAWhile(
      random,
      () => proxy.stall(),
      () => proxy.resume(),
    ),
  'the network stalled, then reset': async ({ proxy, random }) => {
    await forAWhile(
      random,
      () => proxy.stall(),
      () => proxy.reset(),
    );
    proxy.resume();
  },
  'a slow network': ({ proxy, random }) =>
    forAWhile(
      random,
      () => proxy.slow(200_000),
      () => proxy.resume(),
    ),
  'VACUUM FULL': ({ server, database }) => change(server, database, 'VACUUM FULL ledger'),
  'a table clustered': ({ server, database }) =>
    change(server, database, 'CLUSTER accounts USING accounts_updated_at_idx'),
  'a table emptied and filled': ({ server, database }) =>
    change(
      server,
      database,
      "TRUNCATE accounts; INSERT INTO accounts (id, note, amount) SELECT i, 'again', i FROM generate_series(1, 500) i",
    ),
  'a column added': ({ server, database, random }) =>
    change(
      server,
      database,
      `ALTER TABLE ${random.pick(['accounts', 'ledger', 'log'])} ADD COLUMN IF NOT EXISTS extra_${random.integer(1, 4)} int DEFAULT 7`,
    ),
};
