/** Mode log of a hot standby, which can decode from PostgreSQL 16 on. */
import { setTimeout as delay } from 'node:timers/promises';
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

let primary: PostgresServer;
let standby: ServerProcess;
let database: TestDatabase;
let configuration: string;
beforeAll(async () => {
  primary = await startPrimary({ wal_level: 'logical', hot_standby_feedback: 'on', max_replication_slots: '5' });
  standby = await startStandby(primary);
  database = await createDatabase({ server: primary });
  await database.client.query(
    `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 900) i`,
  );
  configuration = writeConfiguration(database, { host: standby.host, port: String(standby.port) });
  await caughtUp(primary, standby);
});
afterAll(async () => {
  await database.drop();
  await standby.close();
  await primary.close();
});

const run = (...args: readonly string[]): Promise<CliResult> => runCli([...args, '--configuration', configuration]);

/** An idle primary writes nothing that a new slot of its standby could begin at. */
async function whileThePrimaryIsBusy(action: () => Promise<CliResult>): Promise<CliResult> {
  const result = action();
  const over = result.then(() => true);
  while (!(await Promise.race([over, delay(200, false)])))
    await withClient(primary, 'postgres', (client) => client.query('SELECT pg_log_standby_snapshot()'));
  return await result;
}

it('says what to do where, and is then read like a primary', async () => {
  const first = await run('log', 'setup', '--apply');
  expect(first.code).toBe(4);
  if (serverMajor() < 16) {
    expect(first.stderr).toContain(
      'The server is a standby, and before PostgreSQL 16 a standby cannot decode its log. Set "host" to the primary, or upgrade to PostgreSQL 16 or newer.',
    );
    return;
  }
  expect(first.stderr).toContain(
    'The server is a standby, where no publication can be made. Run the statements about the publication on the primary first.',
  );
  const { stdout } = await run('log', 'setup');
  const script = stdout.slice(stdout.indexOf('BEGIN;'), stdout.indexOf('COMMIT;') + 'COMMIT;'.length);
  await database.client.query(script);
  await caughtUp(primary, standby);
  const second = await whileThePrimaryIsBusy(() => run('log', 'setup', '--apply'));
  expect(second).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('Made the replication slot') as string,
  });
  expect((await run('log', 'status')).code).toBe(0);

  expect((await run('sync', '--sync-mode', 'log')).code).toBe(0);
  await database.client.query(`UPDATE t SET v = 'new' WHERE id % 100 = 0; DELETE FROM t WHERE id = 7; CHECKPOINT`);
  await caughtUp(primary, standby);
  const changes = await run('sync', '--sync-mode', 'log');
  expect(warningsIn(changes.stdout)).toEqual([]);
  expect(changes.code).toBe(0);
  expect((await run('verify')).code).toBe(0);

  const dropped = await run('log', 'drop', '--yes');
  expect(dropped.code).toBe(0);
  expect(dropped.stdout).toMatch(
    /^Dropped the replication slot ".*"\.\nKept the publication "pgsluice", which only the primary can drop/,
  );
});
