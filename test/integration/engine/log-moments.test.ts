/** Mode log: what comes between the moments of a sync. In each case the copy must be the source after the next sync. */
import { dropSlot, makeSlot, setUpLog, startLogServer } from '../../helpers/log-server';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, serverMajor, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { actingBefore, loseSnapshots } from '../before-statement';
import { sync, type SyncOutcome } from '../sync';

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  // A commit that does not wait for the disk stays away from it for long.
  server = await startLogServer({ flags: { wal_writer_delay: '10s' } });
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  database = await createDatabase({ server });
  await sql('SET synchronous_commit = on');
});
afterEach(async () => {
  await dropSlot(database);
  await database.drop();
});

const sql = async (...statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await database.client.query(statement);
};

async function log(): Promise<SyncOutcome> {
  const outcome = await sync(database, { syncMode: 'log' });
  expect(outcome.failures).toEqual({});
  return outcome;
}

const compared = ({ lines }: SyncOutcome): readonly string[] =>
  lines.filter((line) => /compared by|loaded from the start/.test(line));

async function expectSame(): Promise<void> {
  const { rows } = await database.client.query<{ n: number }>('SELECT count(*)::int AS n FROM t');
  const found = await withWarehouse(database, (warehouse) =>
    compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
  );
  expect(found).toEqual(same(rows[0]?.n ?? -1));
}

const FILLED = `CREATE TABLE t (id int PRIMARY KEY, u int NOT NULL UNIQUE, v text);
  INSERT INTO t SELECT i, i, 'v' FROM generate_series(1, 200) i`;
const KEYED_ROWS = 'unnest(E';

it.each([
  [
    'a replica identity',
    ['ALTER TABLE t REPLICA IDENTITY USING INDEX t_u_key', 'ALTER TABLE t REPLICA IDENTITY DEFAULT'],
  ],
  [
    'a primary key',
    [
      'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY (u)',
      'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY (id)',
    ],
  ],
])('%s that was another one between two syncs', async (_, [other = '', back = '']) => {
  await sql(FILLED);
  await setUpLog(database);
  await log();
  await sql(other, 'UPDATE t SET id = id + 1000 WHERE id < 10', back);
  expect(compared(await log())).toEqual([
    'INFO public.t had another replica identity for a while; it is compared by transaction ids and counts.',
  ]);
  await expectSame();
  await sql('UPDATE t SET id = id + 2000 WHERE id = 20; DELETE FROM t WHERE id = 21');
  expect(compared(await log())).toEqual([]);
  await expectSame();
});

it('a replica identity of a partition that was another one between two syncs', async () => {
  await sql(
    `CREATE TABLE t (id int PRIMARY KEY, u int NOT NULL, v text) PARTITION BY RANGE (id)`,
    `CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (1000)`,
    `CREATE UNIQUE INDEX low_u ON t_low (u)`,
    `INSERT INTO t SELECT i, i, 'v' FROM generate_series(1, 200) i`,
  );
  await setUpLog(database);
  if (serverMajor() >= 13) await sql('ALTER PUBLICATION pgsluice SET (publish_via_partition_root = true)');
  await log();
  await sql(
    'ALTER TABLE t_low REPLICA IDENTITY USING INDEX low_u',
    'UPDATE t SET id = id + 500 WHERE id < 10',
    'ALTER TABLE t_low REPLICA IDENTITY DEFAULT',
  );
  await log();
  await expectSame();
});

it('a partition that is truncated when the snapshot is lost', async () => {
  if (serverMajor() < 13) return void expect(serverMajor()).toBeLessThan(13);
  await sql(
    `CREATE TABLE t (id int, part int, v text, PRIMARY KEY (id, part)) PARTITION BY LIST (part)`,
    `CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1)`,
    `CREATE TABLE t_2 PARTITION OF t FOR VALUES IN (2)`,
    `INSERT INTO t SELECT i, 1 + i % 2, 'v' FROM generate_series(1, 200) i`,
  );
  await setUpLog(database);
  // The log does not tell of a TRUNCATE of a part then.
  await sql('ALTER PUBLICATION pgsluice SET (publish_via_partition_root = true)');
  await log();
  await sql(`UPDATE t SET v = 'changed' WHERE id < 10`);
  const truncate = async (): Promise<void> => {
    await loseSnapshots(database.client);
    await sql('TRUNCATE t_2');
  };
  expect(compared(await actingBefore(KEYED_ROWS, truncate, log))).toEqual([
    'INFO public.t was rewritten, truncated or has other partitions; it is compared by transaction ids and counts.',
  ]);
  await expectSame();
});

it('rows that had changed before the log turned out not to suffice, when the snapshot was lost', async () => {
  await sql(FILLED);
  await setUpLog(database);
  await log();
  await sql(`UPDATE t SET v = 'changed' WHERE id < 10`);
  const hide = async (): Promise<void> => {
    await loseSnapshots(database.client);
    await sql(
      'ALTER TABLE t REPLICA IDENTITY USING INDEX t_u_key',
      'UPDATE t SET id = id + 1000 WHERE id = 50',
      'ALTER TABLE t REPLICA IDENTITY DEFAULT',
    );
  };
  expect(compared(await actingBefore('::integer[])', hide, log))).toEqual([
    'INFO public.t had another replica identity for a while; it is compared by transaction ids and counts.',
  ]);
  await expectSame();
});

it('a snapshot that is lost, where there may be one connection alone', async () => {
  await sql(FILLED);
  await setUpLog(database);
  await log();
  await sql(`UPDATE t SET v = 'changed' WHERE id < 10; DELETE FROM t WHERE id = 11`);
  const alone = (): Promise<SyncOutcome> => sync(database, { syncMode: 'log' }, { maxConnections: 1 });
  const outcome = await actingBefore('::integer[])', () => loseSnapshots(database.client), alone);
  expect(outcome.failures).toEqual({});
  expect(compared(outcome)).toEqual([]);
  await expectSame();
});

it('a commit that was not in the log yet, where the next sync compares by transaction ids', async () => {
  await sql(FILLED);
  await setUpLog(database);
  await log();
  await sql(
    `UPDATE t SET v = 'in the log' WHERE id = 1`,
    'SET synchronous_commit = off',
    `UPDATE t SET v = 'not yet' WHERE id = 2`,
  );
  await log();
  await dropSlot(database);
  await makeSlot(database);
  const { lines } = await log();
  expect(lines.join('\n')).toContain('does not reach back to the last sync');
  await expectSame();
});

it('a table that was out of the publication between the question about it and the snapshot', async () => {
  await sql(FILLED);
  await setUpLog(database, 't');
  await log();
  await sql(`UPDATE t SET v = 'in the log' WHERE id = 1`);
  const beforeReading = (): Promise<void> =>
    sql(
      'ALTER PUBLICATION pgsluice DROP TABLE t',
      `UPDATE t SET v = 'not in the log' WHERE id = 2`,
      'ALTER PUBLICATION pgsluice ADD TABLE t',
    );
  expect((await sync(database, { syncMode: 'log' }, { beforeReading })).failures).toEqual({});
  await log();
  await expectSame();
});

it('a deleted key that its domain does not allow any more', async () => {
  await sql('CREATE DOMAIN d AS int', 'CREATE TABLE t (id d PRIMARY KEY, v text)');
  await sql(`INSERT INTO t SELECT i, 'v' FROM generate_series(-5, 200) i`);
  await setUpLog(database);
  await log();
  await sql(
    `DELETE FROM t WHERE id < 1; UPDATE t SET v = 'changed' WHERE id = 9`,
    'ALTER DOMAIN d ADD CONSTRAINT positive CHECK (VALUE > 0)',
  );
  await log();
  await expectSame();
  await sql(`UPDATE t SET v = 'again' WHERE id = 9`);
  expect(compared(await log())).toEqual([]);
  await expectSame();
});

it('a log that the server sorts in small pieces', async () => {
  await sql(
    `CREATE TABLE t (id int PRIMARY KEY, v text)`,
    `INSERT INTO t SELECT i, 'v' FROM generate_series(1, 9000) i`,
  );
  await setUpLog(database);
  await log();
  await sql(
    `ALTER DATABASE ${database.name} SET work_mem = '64kB'`,
    `ALTER DATABASE ${database.name} SET enable_hashagg = off`,
    ...Array.from({ length: 30 }, (_, i) => `UPDATE t SET v = 'changed' WHERE id % 30 = ${i}`),
  );
  await log();
  await expectSame();
});
