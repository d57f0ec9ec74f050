/** The beginning of a sync: what is done while something else is waited for. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createDestination } from '../../../src/destinations/registry';
import { runSync } from '../../../src/app/sync-run';
import { ConnectorError } from '../../../src/common/errors';
import { stuckCalls } from '../../../src/common/stuck-calls';
import type { Destination } from '../../../src/destinations/destination';
import { ConnectionManager } from '../../../src/postgres/connection/connection-manager';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, rangesMissing, type TestDatabase } from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';
import { settingsFor } from '../../helpers/settings';
import { CALM, sync, UNMOVED } from '../sync';

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
  const context = { logger, signal: new AbortController().signal, observer: {}, ...UNMOVED };
  return await runSync(settingsFor(database, more), { ...context, destination });
}

test('a warehouse that cannot be opened is what the sync says, not a word of the tables, and no connection stays', async () => {
  await expect(run(slowlyOpened(300, locked))).rejects.toMatchObject({ code: 'warehouse_locked' });
  // The catalog had been read by then.
  expect(lines.filter((line) => !line.startsWith('New database connection'))).toEqual([]);
  while ((await connections()) > 0) await delay(20);
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
  await expect(run(slowlyOpened(50, locked), { host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'warehouse_locked',
  });
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

describe('a second reader', () => {
  const whileReadingWaits = async (
    look: () => Promise<void>,
    more: Parameters<typeof settingsFor>[1] = {},
  ): Promise<void> => {
    const { failures } = await sync(database, more, { beforeReading: look });
    expect(failures).toEqual({});
  };
  /** One that is under way since the catalog was read would be there by then. */
  const noneComes = async (): Promise<void> => {
    await delay(500);
    expect(await connections()).toBe(1);
  };
  const bigTable = (): Promise<unknown> =>
    database.client.query('CREATE TABLE big AS SELECT i AS id FROM generate_series(1, 60000) AS i; ANALYZE big');
  afterEach(() => database.client.query('DROP TABLE IF EXISTS big'));

  test('begins its login while the catalog is read, not in front of the first snapshot', async () => {
    const openAhead = jest.spyOn(ConnectionManager.prototype, 'openAhead');
    let before: readonly number[] = [];
    const planned = (): void => void (before = [...before, openAhead.mock.calls.length]);
    try {
      await sync(database, {}, { observer: { planned } });
      await bigTable();
      openAhead.mockClear();
      await sync(database, {}, { observer: { planned } });
    } finally {
      openAhead.mockRestore();
    }
    expect(before).toEqual([0, 1]);
  });

  test('is logged in before the first row is read, where it will have work', async () => {
    await bigTable();
    await whileReadingWaits(async () => {
      while ((await connections()) < 2) await delay(20);
    });
  });

  test('is not, where it will have none', async () => {
    await whileReadingWaits(noneComes);
    await bigTable();
    await whileReadingWaits(noneComes, { tableFilters: ['t'] });
    await whileReadingWaits(noneComes, { customThreads: 1 });
  });
});

describeWhere(rangesMissing(), 'changes are read while the warehouse makes ready for them', () => {
  const changing = { syncMode: 'xmin', customBatchSize: 100, customThreads: 2 } as const;

  beforeEach(async () => {
    await database.client.query(`CREATE TABLE changing (id int PRIMARY KEY, n float8, v text);
      INSERT INTO changing SELECT i, i / 7.0, 'value ' || i FROM generate_series(1, 5000) AS i; ANALYZE changing`);
    expect((await sync(database, changing)).failures).toEqual({});
    await database.client.query(`UPDATE changing SET v = 'changed ' || id WHERE id % 3 = 0;
      INSERT INTO changing SELECT i, NULL, NULL FROM generate_series(5001, 5100) AS i`);
  });
  afterEach(() => database.client.query('DROP TABLE changing'));

  /** `begin` comes before each beginning of a pass over changes. */
  async function syncWith(begin: (first: boolean) => Promise<void>): Promise<void> {
    const settings = settingsFor(database, changing);
    const destination = createDestination(settings, CALM.memoryAvailableBytes, logger);
    const beginChanges = destination.beginChanges.bind(destination);
    let calls = 0;
    destination.beginChanges = async (...parameters) => {
      calls += 1;
      await begin(calls === 1);
      await beginChanges(...parameters);
    };
    await run(destination, changing);
  }

  const compared = async (): Promise<unknown> =>
    await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name: 'changing' }),
    );

  test('and are all written, however long that takes', async () => {
    let readingHadBegun = false;
    await syncWith(async () => {
      while (!readingHadBegun) {
        const { rowCount } = await database.client.query(
          `SELECT FROM pg_stat_activity WHERE application_name = 'pgsluice' AND query ~ '^EXECUTE "public.changing'`,
        );
        readingHadBegun = rowCount !== 0;
        await delay(20);
      }
    });
    expect(readingHadBegun).toBe(true);
    expect(await compared()).toEqual(same(5100));
  });

  test('and are read again where it was refused', async () => {
    await syncWith(async (first) => {
      await delay(100);
      if (first) throw new ConnectorError('Refused.', { code: 'refused', kind: 'source', retryable: true });
    });
    expect(await compared()).toEqual(same(5100));
  });

  test('and the sync ends where the warehouse is of no further use', async () => {
    const failing = syncWith(async () => {
      await delay(100);
      throw new ConnectorError('The disk is full.', { code: 'disk_full', kind: 'destination' });
    });
    await expect(failing).rejects.toMatchObject({ code: 'disk_full' });
    // Nothing is lost: the next one finds the same changes.
    expect((await sync(database, changing)).failures).toEqual({});
    expect(await compared()).toEqual(same(5100));
  });
});
