/**
 * Mode log when a standby takes its primary's place. Transaction ids are then others, so tables are loaded anew; a slot that
 * follows the promotion (PostgreSQL 17) is read from then on, without it a new one is.
 */
import type { Client } from 'pg';
import { runCli, warningsIn, writeConfiguration, type CliResult } from '../../helpers/cli';
import {
  createDatabase,
  serverMajor,
  withClient,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';
import type { ServerProcess } from '../../helpers/server-process';
import { caughtUp, startPrimary, startStandby } from '../../helpers/standby-server';
import { startProxy, type TcpProxy } from '../../helpers/tcp-proxy';

const SLOT = 'promoted';
const FOLLOWS = serverMajor() >= 17;

let primary: PostgresServer;
let standby: ServerProcess;
let database: TestDatabase;
let proxy: TcpProxy;
let configuration: string;
/** Where the application's name leads; to the standby after its promotion. */
const target = { host: '', port: 0 };
beforeAll(async () => {
  primary = await startPrimary({ wal_level: 'logical', hot_standby_feedback: 'on', max_replication_slots: '5' });
  await withClient(primary, 'postgres', (client) =>
    client.query(`SELECT pg_create_physical_replication_slot('standby')`),
  );
  standby = await startStandby(primary, primary, { primary_slot_name: 'standby' });
  database = await createDatabase({ server: primary });
  Object.assign(target, { host: primary.host, port: primary.port });
  proxy = await startProxy(target);
  configuration = writeConfiguration(database, { host: proxy.host, port: String(proxy.port), slot_name: SLOT });
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
  await standby.close();
  await primary.close();
});

const run = (...args: readonly string[]): Promise<CliResult> => runCli([...args, '--configuration', configuration]);

/** Copies the slot to the standby, as its own worker does from time to time. */
async function copySlot(): Promise<void> {
  const copied = (client: Client): Promise<boolean> =>
    client
      .query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_replication_slots WHERE slot_name = '${SLOT}' AND synced AND NOT temporary`,
      )
      .then(({ rows }) => rows[0]?.n === 1);
  await withClient(standby, 'postgres', async (client) => {
    for (let round = 0; round === 0 || !(await copied(client)); round += 1) {
      // It stays for good once its place on the primary has passed the one from which the standby can decode.
      await database.client.query(`UPDATE t SET v = 'round ${round}' WHERE id = 1`);
      expect((await run('sync', '--sync-mode', 'log')).code).toBe(0);
      await withClient(primary, 'postgres', (other) => other.query('SELECT pg_log_standby_snapshot()'));
      await caughtUp(primary, standby);
      await client.query('SELECT pg_sync_replication_slots()');
    }
  });
}

it('is noticed, loses nothing, and goes on by the log', async () => {
  await database.client.query(
    `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 900) i`,
  );
  await database.client.query('CREATE PUBLICATION pgsluice FOR TABLE t');
  await database.client.query(
    `SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput'${FOLLOWS ? ', failover => true' : ''})`,
  );
  expect((await run('sync', '--sync-mode', 'log')).code).toBe(0);
  await database.client.query(`UPDATE t SET v = 'new' WHERE id % 100 = 0; DELETE FROM t WHERE id = 7`);
  const before = await run('sync', '--sync-mode', 'log');
  expect(warningsIn(before.stdout)).toEqual([]);
  if (FOLLOWS) await copySlot();
  else await caughtUp(primary, standby);

  primary.kill('SIGKILL');
  Object.assign(target, { host: standby.host, port: standby.port });
  const write = (statements: string): Promise<unknown> =>
    withClient(standby, database.name, (client) => client.query(statements));
  await withClient(standby, 'postgres', (client) => client.query('SELECT pg_promote()'));
  await write(`UPDATE t SET v = 'promoted' WHERE id % 50 = 0; DELETE FROM t WHERE id = 8`);
  const after = await run('sync', '--sync-mode', 'log');
  expect(after.code).toBe(0);
  expect(after.stdout).toMatch(/promoted|another server/);
  expect((await run('verify')).code).toBe(0);

  if (!FOLLOWS) expect((await run('log', 'setup', '--apply')).code).toBe(0);
  expect((await run('log', 'status')).code).toBe(0);
  // The slot moves on where no transaction goes on; else this sync reads once more what the one before has read.
  expect((await run('sync', '--sync-mode', 'log')).code).toBe(0);
  await write(`UPDATE t SET v = 'later' WHERE id % 90 = 0; DELETE FROM t WHERE id = 9`);
  const later = await run('sync', '--sync-mode', 'log');
  expect(warningsIn(later.stdout)).toEqual([]);
  expect(later.stdout).toContain('Successfully processed table public.t: 10 records, 1 marked deleted (897 rows)');
  expect((await run('verify')).code).toBe(0);
});
