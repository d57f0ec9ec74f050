/** Connections as a sync holds them: opened ahead, leased, given back, closed. */
import dns from 'node:dns';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openSource } from '../../../src/app/source-connection';
import { stuckCalls } from '../../../src/common/stuck-calls';
import type { ConnectionManager } from '../../../src/postgres/connection/connection-manager';
import { openOdbcConnection } from '../../../src/postgres/connection/odbc-driver';
import { sync } from '../sync';
import { answers, serverAddress } from '../../../src/postgres/connection/server-answer';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';

const quiet = { debug: () => {}, info: () => {}, warning: () => {}, severe: () => {} };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

function open(more: Parameters<typeof settingsFor>[1] = {}): ConnectionManager {
  return openSource(settingsFor(database, more), quiet, 2);
}

/** How many of the product's connections the server has to the database, once it has noticed those that went. */
async function connections(expected: number): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    const { rows } = await database.client.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgsluice'`,
    );
    const count = rows[0]?.n ?? -1;
    if (count === expected || attempt === 50) return count;
    await delay(20);
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
  // A login takes some 20 ms: one that close() had left behind would be there now.
  await delay(300);
  expect(await connections(0)).toBe(0);
  const late = open();
  late.openAhead();
  expect(await connections(1)).toBe(1);
  await late.close();
  expect(await connections(0)).toBe(0);
});

test('a refused login is the first lease to know of, and the next one tries again', async () => {
  const manager = open({ password: 'wrong' });
  manager.openAhead();
  // No caller waits for it yet, and still there is no unhandled rejection.
  await delay(300);
  await expect(manager.lease()).rejects.toMatchObject({ code: 'login_failed' });
  await expect(manager.lease()).rejects.toMatchObject({ code: 'login_failed' });
  await manager.close();
});

test('where one is idle, none is opened ahead; nor is one left behind by a lease that waited while all was closed', async () => {
  const manager = open();
  const session = await manager.lease();
  await manager.release(session);
  manager.openAhead();
  expect(await manager.lease()).toBe(session);
  expect(await connections(1)).toBe(1);
  const waiting = open();
  waiting.openAhead();
  const late = expect(waiting.lease()).rejects.toMatchObject({ code: 'closed' });
  await waiting.close();
  await late;
  await manager.close();
  await delay(300);
  expect(await connections(0)).toBe(0);
});

test('what a statement returned is not held by what had listened for its abort', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { signal } = new AbortController();
  const listeners: unknown[] = [];
  const add = signal.addEventListener.bind(signal);
  // As V8's old space holds them, with the links that removed listeners keep to the next ones.
  signal.addEventListener = (type: string, listener: () => void, options?: object) => {
    listeners.push(listener);
    add(type, listener, options);
  };
  const manager = open();
  const session = await manager.lease();
  const read = async (): Promise<WeakRef<object>> =>
    new WeakRef(await session.query(`SELECT repeat('x', 100) AS x`, { doing: 'testing', signal }));
  const rows = await read();
  // Another statement, since the last one may still be on the stack.
  await session.query('SELECT 1 AS x', { doing: 'testing' });
  await delay(10);
  collect();
  expect(listeners).toHaveLength(1);
  expect(rows.deref()).toBeUndefined();
  await manager.close();
});

describe.each([
  ['says nothing', 0],
  ['answers, and then says nothing during the login', 1],
])('with a server that accepts and %s', (_, stuck) => {
  let server: Server;
  const sockets: Socket[] = [];
  let logins = 0;
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      // Requests for encryption have 8 bytes; the answer is that there is none.
      if (stuck > 0) socket.on('data', ({ length }) => void (length === 8 ? socket.write('N') : (logins += 1)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    logins = 0;
    // The driver's calls come back then.
    while (stuckCalls() > 0) await delay(20);
  });
  afterAll(() => server.close());

  const openSilent = (): ConnectionManager => open({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });

  test('an abort reaches the connection that a lease waits for', async () => {
    const manager = openSilent();
    manager.openAhead();
    const abort = new AbortController();
    const lease = manager.lease(abort.signal);
    abort.abort();
    // Not that the server did not answer in time, which is said 15 s later.
    await expect(lease).rejects.toMatchObject({ code: 'interrupted' });
    await manager.close();
  });

  test('closing gives the call up, so that the process ends without waiting for it', async () => {
    const manager = openSilent();
    manager.openAhead();
    while (logins < stuck) await delay(5);
    await manager.close();
    expect(stuckCalls()).toBe(stuck);
  });
});

describe('a server that accepts and says nothing', () => {
  let server: Server;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('does not hold up other connections, and leaves no thread in the driver', async () => {
    const healthy = open();
    const session = await healthy.lease();
    const silent = open({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const abort = new AbortController();
    let settled = false;
    const lease = silent.lease(abort.signal).finally(() => (settled = true));
    lease.catch(() => undefined);
    while (sockets.length === 0) await delay(5);
    for (let n = 0; n < 5; n += 1)
      expect((await session.query(`SELECT ${n}::int4 AS n`, { doing: 'testing' }))[0]?.['n']).toBe(n);
    // The statements would otherwise have ended with the time for the login.
    expect(settled).toBe(false);
    abort.abort();
    await expect(lease).rejects.toMatchObject({ code: 'interrupted' });
    expect(stuckCalls()).toBe(0);
    await silent.close();
    await healthy.close();
  });

  test('is named, with its port and the time', async () => {
    const { port } = server.address() as AddressInfo;
    const target = { connectionString: '', connectTimeoutSeconds: 0.2, server: { host: '127.0.0.1', port } };
    await expect(openOdbcConnection(target)).rejects.toMatchObject({
      code: 'timeout',
      kind: 'connection',
      retryable: true,
      message: `The server at "127.0.0.1", port ${port} did not answer for 0.2 s (while connecting).`,
    });
  });
});

describe('whether a server answers', () => {
  const LIMIT_MS = 10_000;

  test('PostgreSQL does', async () => {
    const { host, port } = database;
    expect(await answers({ host, port }, LIMIT_MS)).toBe(true);
  });

  test('what is refused or closed is left to the driver to say', async () => {
    const closing = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
    const { port } = closing.address() as AddressInfo;
    expect(await answers({ host: '127.0.0.1', port }, LIMIT_MS)).toBe(true);
    await new Promise((resolve) => closing.close(resolve));
    expect(await answers({ host: '127.0.0.1', port }, LIMIT_MS)).toBe(true);
    expect(await answers({ host: '/nowhere', port }, LIMIT_MS)).toBe(true);
  });

  test.each([
    ['one that answers, and one that says nothing', '127.0.0.2', true],
    ['one that refuses, and one that says nothing', '127.0.0.3', false],
  ])('of a name with two addresses, %s', async (_, second, answered) => {
    const silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const answering = createServer((socket) => socket.on('error', () => undefined).on('data', () => socket.end('N')));
    await new Promise<void>((resolve) => answering.listen(port, '127.0.0.2', resolve));
    const addresses = ['127.0.0.1', second].map((address) => ({ address, family: 4 }));
    const lookup = jest
      .spyOn(dns, 'lookup')
      .mockImplementation(((_host: string, _options: object, done: (error: null, found: object[]) => void) =>
        done(null, addresses)) as never);
    try {
      expect(await answers({ host: 'two.example', port }, answered ? LIMIT_MS : 300)).toBe(answered);
    } finally {
      lookup.mockRestore();
      silent.close();
      answering.close();
    }
  });

  const failing = (code: string): jest.SpyInstance =>
    jest
      .spyOn(dns, 'lookup')
      .mockImplementation(((_host: string, _options: object, done: (error: Error) => void) =>
        done(Object.assign(new Error(code), { code }))) as never);

  test('a name that nobody knows ends the sync at once, one that could not be looked up does not', async () => {
    let lookup = failing('ENOTFOUND');
    try {
      await expect(
        sync(database, { host: 'nowhere.example', maxRetries: 5, retrySleepSeconds: 600 }),
      ).rejects.toMatchObject({
        ...{ code: 'host_unknown', kind: 'connection', retryable: false },
        message: 'The name "nowhere.example" cannot be resolved: there is no such host (while connecting).',
      });
      expect(lookup).toHaveBeenCalledTimes(1);
    } finally {
      lookup.mockRestore();
    }
    lookup = failing('EAI_AGAIN');
    expect(await answers({ host: 'nowhere.example', port: 1 }, LIMIT_MS)).toBe(true);
    lookup.mockRestore();
  });

  test('a name that was known may come back', async () => {
    expect(await answers({ host: 'localhost', port: database.port }, LIMIT_MS)).toBe(true);
    const lookup = failing('ENOTFOUND');
    expect(await answers({ host: 'localhost', port: database.port }, LIMIT_MS)).toBe(true);
    lookup.mockRestore();
  });

  test('it is asked over a Unix socket too', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pgsluice-socket-'));
    const received: Buffer[] = [];
    const server = createServer((socket) => socket.on('data', (data) => received.push(data) && socket.end('N')));
    await new Promise<void>((resolve) => server.listen(`${directory}/.s.PGSQL.5433`, resolve));
    expect(await answers({ host: directory, port: 5433 }, LIMIT_MS)).toBe(true);
    // Length 8, and the code of a GSSENCRequest: 1234 and 5680.
    expect(received.map((data) => data.toString('hex'))).toEqual(['0000000804d21630']);
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true });
  });

  test.each([
    ['db.example', 6432, { host: 'db.example', port: 6432 }],
    ['db.example', undefined, { host: 'db.example', port: 5432 }],
    ['a,b', 5432, undefined],
    ['@abstract', 5432, undefined],
    [undefined, 5432, undefined],
  ])('the address of %s, %s', (host, port, address) => {
    expect(serverAddress(host, port)).toEqual(address);
  });
});
