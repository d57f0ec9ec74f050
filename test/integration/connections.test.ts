/** Connections as a sync holds them: opened ahead, leased, given back, closed. */
import { openSource } from '../../src/app/source-connection';
import type { ConnectionManager } from '../../src/source/connection-manager';
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';

const silent = { debug: () => {}, info: () => {}, warning: () => {}, severe: () => {} };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

function open(more: Parameters<typeof settingsFor>[1] = {}): ConnectionManager {
  return openSource(settingsFor(database, more), silent, 2);
}

/** How many of the product's connections the server has to the database, once it has noticed those that went. */
async function connections(expected: number): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    const { rows } = await database.client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgsluice'`,
    );
    const count = rows[0]?.n ?? -1;
    if (count === expected || attempt === 50) return count;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the first lease gets the connection that was opened ahead', async () => {
  const manager = open();
  manager.openAhead();
  const session = await manager.lease();
  expect(await connections(1)).toBe(1);
  await manager.release(session);
  await manager.close();
  expect(await connections(0)).toBe(0);
});

test('closing ends a connection that is still being opened, and one that nobody came for', async () => {
  const early = open();
  early.openAhead();
  await early.close();
  const late = open();
  late.openAhead();
  expect(await connections(1)).toBe(1);
  await late.close();
  expect(await connections(0)).toBe(0);
});

test('a refused login is the first lease to know of, and the next one tries again', async () => {
  const manager = open({ password: 'wrong' });
  manager.openAhead();
  // Nobody waits for it yet, and still it is nobody's unhandled rejection.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await expect(manager.lease()).rejects.toMatchObject({ code: 'login_failed' });
  await expect(manager.lease()).rejects.toMatchObject({ code: 'login_failed' });
  await manager.close();
});

test('an abort reaches the connection that a lease waits for', async () => {
  const manager = open();
  manager.openAhead();
  const abort = new AbortController();
  abort.abort();
  // Either it was quicker than the abort or it was not; it is closed in both cases.
  await manager.lease(abort.signal).catch(() => undefined);
  await manager.close();
  expect(await connections(0)).toBe(0);
});
