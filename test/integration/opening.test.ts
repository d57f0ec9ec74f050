/** The beginning of a sync: the warehouse is opened while the catalog is read. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createDestination } from '../../src/app/open-destination';
import { runSync } from '../../src/app/sync-run';
import { ConnectorError } from '../../src/common/errors';
import { stuckCalls } from '../../src/common/stuck-calls';
import type { Destination } from '../../src/destination/destination';
import { withWarehouse } from '../helpers/compare';
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';
import { CALM, sync } from './sync';

const lines: string[] = [];
const log = (message: string): void => void lines.push(message);
const logger = { debug: log, info: log, warning: log, severe: log };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY)');
});
afterAll(() => database.drop());
beforeEach(() => lines.splice(0));

/** A warehouse whose opening takes that long, and then fails or not. */
function slowlyOpened(openMs: number, failure?: ConnectorError): Destination {
  const destination = createDestination(settingsFor(database), CALM.memoryAvailableBytes, logger);
  const open = destination.open.bind(destination);
  destination.open = async () => {
    await delay(openMs);
    if (failure !== undefined) throw failure;
    return await open();
  };
  return destination;
}

const locked = new ConnectorError('The warehouse is open in another process.', {
  code: 'warehouse_locked',
  kind: 'destination',
});

async function connections(): Promise<number> {
  const { rows } = await database.client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgsluice'`,
  );
  return rows[0]?.n ?? -1;
}

async function run(destination: Destination, more: Parameters<typeof settingsFor>[1] = {}): Promise<unknown> {
  const context = { logger, signal: new AbortController().signal, observer: {}, pressure: { read: () => CALM } };
  return await runSync(settingsFor(database, more), { ...context, destination });
}

test('a warehouse that cannot be opened is what the sync says, not a word of the tables, and no connection stays', async () => {
  await expect(run(slowlyOpened(300, locked))).rejects.toMatchObject({ code: 'warehouse_locked' });
  // The catalog had been read by then.
  expect(lines.filter((line) => !line.startsWith('New database connection'))).toEqual([]);
  for (let attempt = 0; attempt < 50 && (await connections()) > 0; attempt += 1) await delay(20);
  expect(await connections()).toBe(0);
});

test('it is said even where the login is refused first', async () => {
  await expect(run(slowlyOpened(300, locked), { password: 'wrong' })).rejects.toMatchObject({
    code: 'warehouse_locked',
  });
});

test('and at once, where the server does not answer', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const started = performance.now();
  await expect(run(slowlyOpened(50, locked), { host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'warehouse_locked',
  });
  // The connection's own limit is 15 s.
  expect(performance.now() - started).toBeLessThan(10_000);
  for (const socket of sockets) socket.destroy();
  silent.close();
  while (stuckCalls() > 0) await delay(20);
});

test('a server that refuses the login is what the sync says, and the run is in the history of the warehouse', async () => {
  await expect(run(slowlyOpened(300), { password: 'wrong' })).rejects.toMatchObject({ code: 'login_failed' });
  const { failures } = await sync(database);
  expect(failures).toEqual({});
  await withWarehouse(database, async (warehouse) => {
    const runs = await warehouse.rows('SELECT outcome FROM _pgsluice.runs ORDER BY started');
    expect(runs).toEqual([['failed'], ['succeeded']]);
  });
});
