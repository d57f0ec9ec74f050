import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runVerify } from '../../src/app/verify-run';
import { createDatabase, startServer, withClient, type PostgresServer, type TestDatabase } from '../helpers/postgres';
import { freePort, give, launch, ownedFolder, runToEnd, type ServerProcess } from '../helpers/server-process';
import { settingsFor } from '../helpers/settings';
import { sync } from './sync';

/** A hot standby of the server: its files as they were while it was stopped, then what it streams. */
async function startStandby(primary: PostgresServer): Promise<ServerProcess> {
  const data = join(dirname(primary.logFile), 'data');
  // As root we are, the server is not: the standby runs as whoever owns the files.
  const { uid, gid } = statSync(data);
  const owner = process.getuid?.() === 0 ? { uid, gid } : undefined;
  const [command = '', ...flags] = readFileSync(join(data, 'postmaster.opts'), 'utf8')
    .trim()
    .split(/ (?=")/);
  const folder = ownedFolder(owner);
  const copy = join(folder, 'data');
  await primary.stop();
  runToEnd('cp', ['-Rp', data, copy]);
  writeFileSync(join(copy, 'standby.signal'), '');
  give(join(copy, 'standby.signal'), owner);
  await primary.start();
  const port = await freePort();
  const own = flags
    .map((flag) => flag.slice(1, -1))
    .map((flag, index, all) => (all[index - 1] === '-D' ? copy : all[index - 1] === '-p' ? String(port) : flag));
  const { host, user, password } = primary;
  return await launch({
    command,
    parameters: [...own, '-c', `primary_conninfo=host=${host} port=${primary.port} user=${user}`],
    folder,
    login: { host, port, user, password },
    database: 'postgres',
    owner,
    environment: { PGPASSWORD: password },
    ending: 'SIGQUIT',
  });
}

describe('a hot standby', () => {
  let primary: PostgresServer;
  let standby: ServerProcess;
  let database: TestDatabase;
  beforeAll(async () => {
    const version = process.env['PGSLUICE_TEST_PG_VERSION'];
    primary = await startServer({
      ...(version === undefined ? {} : { version }),
      flags: { wal_level: 'replica', max_wal_senders: '4', hot_standby: 'on' },
    });
    standby = await startStandby(primary);
    database = await createDatabase({ server: primary });
  }, 120_000);
  afterAll(async () => {
    await database.drop();
    await standby.close();
    await primary.close();
  });

  /** When the standby has all that the primary wrote. */
  async function caughtUp(): Promise<void> {
    const { rows } = await database.client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
    for (;;) {
      const behind = await withClient(standby, 'postgres', async (client) => {
        const { rows: seen } = await client.query<{ behind: boolean }>(
          'SELECT pg_last_wal_replay_lsn() < $1::pg_lsn AS behind',
          [rows[0]?.lsn],
        );
        return seen[0]?.behind !== false;
      });
      if (!behind) return;
      await delay(50);
    }
  }

  it('is read like any server: a first sync, one of changes, and a comparison', async () => {
    await database.client.query(`
      CREATE TABLE big (id int PRIMARY KEY, v text, price numeric); CREATE TABLE keyless (a int, at timestamptz);
      INSERT INTO big SELECT i, 'v' || i, i / 3.0 FROM generate_series(1, 9000) i;
      INSERT INTO keyless SELECT i % 9, now() FROM generate_series(1, 200) i; ANALYZE`);
    const login = { host: standby.host, port: standby.port, syncMode: 'xmin' as const };
    for (const changes of ['', `UPDATE big SET v = 'changed' WHERE id % 100 = 0; DELETE FROM big WHERE id = 7`]) {
      await database.client.query(changes);
      await caughtUp();
      expect((await sync(database, login, { reconcile: true })).failures).toEqual({});
      const { tables } = await runVerify(settingsFor(database, login), {
        logger: { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined },
        signal: new AbortController().signal,
        show: 3,
        sample: 1,
      });
      expect(tables).toMatchObject([{ outcome: 'equal' }, { outcome: 'equal' }]);
      expect(tables.map(({ sourceRows }) => sourceRows).sort()).toEqual([200, changes === '' ? 9_000 : 8_999]);
    }
  }, 120_000);
});
