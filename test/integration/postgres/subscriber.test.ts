/**
 * A server that gets its rows by logical replication. A transaction of the publisher arrives when it has ended there,
 * with the update times of its beginning: the subscriber does not show that it was running.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import {
  createDatabase,
  serverMajor,
  startServer,
  withRanges,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';
import { sync } from '../sync';
import type { Settings } from '../../../src/config/settings';

let servers: PostgresServer[] = [];
let publisher: TestDatabase;
let subscriber: TestDatabase;

const TABLES = `
  CREATE TABLE plain (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL); CREATE INDEX ON plain (updated_at);
  CREATE TABLE parted (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL) PARTITION BY RANGE (id);
  CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000); CREATE INDEX ON parted (updated_at)`;
const NAMES = ['plain', 'parted'];

function startLogicalServer(): Promise<PostgresServer> {
  return startServer({
    // Part of a connection string of libpq.
    password: 'secret',
    flags: { wal_level: 'logical', max_wal_senders: '8', max_replication_slots: '8' },
  });
}

beforeAll(async () => {
  servers = await Promise.all([startLogicalServer(), startLogicalServer()]);
  publisher = await createDatabase({ server: servers[0] as PostgresServer });
  subscriber = await createDatabase({ server: servers[1] as PostgresServer });
  const { host, port, user, password, name } = publisher;
  await publisher.client.query(
    `${TABLES}; CREATE PUBLICATION all_of_it FOR TABLE plain, ${serverMajor() >= 13 ? 'parted' : 'parted_1'}`,
  );
  await subscriber.client.query(`${TABLES}; CREATE TABLE local (id int PRIMARY KEY, updated_at timestamptz NOT NULL);
    CREATE INDEX ON local (updated_at); INSERT INTO local SELECT i, now() FROM generate_series(1, 300) i`);
  for (const table of NAMES)
    await publisher.client.query(`INSERT INTO ${table} SELECT i, 'first', now() FROM generate_series(1, 300) i`);
  await subscriber.client.query(
    `CREATE SUBSCRIPTION here CONNECTION 'host=${host} port=${port} user=${user} password=${password} dbname=${name}' PUBLICATION all_of_it`,
  );
  await arrived('first', 300);
});
afterAll(async () => {
  try {
    // A database with a subscription cannot be dropped.
    await subscriber?.client.query('DROP SUBSCRIPTION IF EXISTS here');
    await subscriber?.drop();
    await publisher?.drop();
  } finally {
    for (const server of servers) await server.close();
  }
});

/** When so many rows of that text are at the subscriber, in every table. */
async function arrived(text: string, rows: number): Promise<void> {
  for (const table of NAMES) {
    for (let there = false; !there;) {
      const seen = await subscriber.client.query(`SELECT FROM ${table} WHERE v = $1`, [text]);
      there = seen.rowCount === rows;
      if (!there) await delay(50);
    }
  }
}

async function missing(): Promise<unknown> {
  return await withWarehouse(subscriber, async (warehouse) => {
    const of = (name: string): Promise<unknown> =>
      compareTable(subscriber.client, warehouse, { schema: 'public', name });
    return [await of('plain'), await of('parted')];
  });
}

withRanges(it).each<[Settings['syncMode'], RegExp]>([
  [
    'auto',
    /public\.(plain|parted): .*, mode xmin \(logical replication brings its rows, with update times of long ago\)/,
  ],
  [
    'timestamp',
    /public\.(plain|parted): .*, mode timestamp \(updated_at .*, from 60 minutes before, since logical replication brings rows late\)/,
  ],
])('rows of a long transaction are not lost, mode %s', async (syncMode, plan) => {
  const long = await publisher.connect();
  await long.query('BEGIN');
  for (const table of NAMES)
    await long.query(
      `UPDATE ${table} SET v = 'late ${syncMode}', updated_at = now() - interval '10 minutes' WHERE id <= 10`,
    );
  for (const table of NAMES)
    await publisher.client.query(
      `UPDATE ${table} SET v = 'meanwhile ${syncMode}', updated_at = now() WHERE id BETWEEN 11 AND 20`,
    );
  await arrived(`meanwhile ${syncMode}`, 10);
  // Without the proof by transaction ids, which would find them whatever the watermark is.
  const settings: Partial<Settings> = { syncMode, customBatchSize: 100, reconcileEvery: 0 };
  const first = await sync(subscriber, settings);
  expect(first.failures).toEqual({});
  expect(first.lines.filter((line) => plan.test(line))).toHaveLength(2);
  expect(first.lines.find((line) => line.includes('public.local: '))).toMatch(
    syncMode === 'auto'
      ? /mode xmin \(finds every change; updated_at alone may not\)/
      : /mode timestamp \(updated_at is indexed and without NULLs\)/,
  );
  await long.query('COMMIT');
  await arrived(`late ${syncMode}`, 10);
  expect((await sync(subscriber, settings)).failures).toEqual({});
  expect(await missing()).toEqual([same(300), same(300)]);
});

it('nobody need be able to ask which tables those are', async () => {
  const name = `reader_${subscriber.name}`;
  const role = subscriber.client.escapeIdentifier(name);
  await subscriber.client
    .query(`REVOKE SELECT ON pg_subscription_rel FROM PUBLIC; CREATE ROLE ${role} LOGIN PASSWORD 'secret';
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  const { failures } = await sync(subscriber, { username: name, password: 'secret' });
  expect(failures).toEqual({});
  expect(await missing()).toEqual([same(300), same(300)]);
});
