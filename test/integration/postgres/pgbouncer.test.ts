import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runVerify } from '../../../src/app/verify-run';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, testServer, withClient, type TestDatabase } from '../../helpers/postgres';
import {
  describeWhere,
  findProgram,
  freePort,
  give,
  launch,
  otherThanRoot,
  ownedFolder,
  type ServerProcess,
} from '../../helpers/server-process';
import { settingsFor } from '../../helpers/settings';
import { found, sync } from '../sync';

const PGBOUNCER = findProgram('pgbouncer');
const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

/** `servers`: connections that it may open to PostgreSQL for one database and user. */
async function startPgBouncer(mode: 'session' | 'transaction', servers: number): Promise<ServerProcess> {
  const { host, port: target, user, password } = testServer();
  const owner = otherThanRoot();
  const folder = ownedFolder(owner);
  const port = await freePort();
  const users = join(folder, 'users.txt');
  writeFileSync(users, `"${user}" "${password.replaceAll('"', '""')}"\n`);
  const settings = join(folder, 'pgbouncer.ini');
  writeFileSync(
    settings,
    `[databases]\n* = host=${host} port=${target}\n[pgbouncer]\nlisten_addr = ${host}\nlisten_port = ${port}\nunix_socket_dir =\n` +
      `auth_type = plain\nauth_file = ${users}\npool_mode = ${mode}\ndefault_pool_size = ${servers}\n` +
      `ignore_startup_parameters = extra_float_digits\n`,
  );
  give(folder, owner);
  return await launch({
    command: PGBOUNCER ?? '',
    parameters: [settings],
    folder,
    login: { host, port, user, password },
    database: 'postgres',
    owner,
    ending: 'SIGTERM',
  });
}

describeWhere(PGBOUNCER === undefined ? 'PgBouncer (apt-get install pgbouncer)' : undefined, 'behind PgBouncer', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE days (id int PRIMARY KEY, day date, at timestamptz, span interval, bytes bytea, ratio float8);
      INSERT INTO days SELECT i, date '2024-01-01' + i, '2024-01-01'::timestamptz + i * interval '1 hour', i * interval '-1 minute', '\\x00ff', i / 3.0
        FROM generate_series(1, 9000) i; ANALYZE`);
  });
  afterEach(() => database.drop());

  it('in session mode: synced and equal', async () => {
    const pool = await startPgBouncer('session', 10);
    try {
      const login = { host: pool.host, port: pool.port };
      expect((await sync(database, { ...login, customBatchSize: 500 })).failures).toEqual({});
      const context = { logger: SILENT, signal: new AbortController().signal, show: 3, sample: 1 };
      const { tables } = await runVerify(settingsFor(database, login), context);
      expect(tables).toMatchObject([{ outcome: 'equal', sourceRows: 9_000 }]);
      expect(await found(database, login, 'pooler')).toEqual([]);
    } finally {
      await pool.close();
    }
  });

  it.each([1, 5])('in transaction mode with %d servers: check says so', async (servers) => {
    const pool = await startPgBouncer('transaction', servers);
    try {
      const login = { host: pool.host, port: pool.port };
      expect(await found(database, login, 'pooler')).toMatchObject([
        { status: 'failure', advice: expect.stringContaining('pool in session mode') as string },
      ]);
    } finally {
      await pool.close();
    }
  });

  it('in transaction mode, beside a client with settings of its own: refused with a sentence, or exact, never otherwise', async () => {
    const pool = await startPgBouncer('transaction', 1);
    let going = true;
    const others = (async () => {
      // Its settings stay with the one connection that everybody gets in turn.
      while (going) {
        await withClient(pool, database.name, (client) =>
          client.query(
            `SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET extra_float_digits = 0; SET bytea_output = 'escape'`,
          ),
        );
      }
    })();
    try {
      const login = { host: pool.host, port: pool.port, customThreads: 1, customBatchSize: 500, maxRetries: 3 };
      const { failures } = await sync(database, login).catch((error: unknown) => ({
        failures: { sync: String(error) },
      }));
      for (const said of Object.values(failures))
        expect(said).toMatch(/The connection had lost its settings.*nothing of the result was used/);
      await withWarehouse(database, async (warehouse) => {
        const tables = await warehouse.rows(
          `SELECT table_name FROM information_schema.tables WHERE table_schema = 'tester' AND table_name LIKE 'source%'`,
        );
        expect(tables).toHaveLength(Object.keys(failures).length === 0 ? 1 : 0);
        if (tables.length > 0)
          expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'days' })).toEqual(
            same(9_000),
          );
      });
    } finally {
      going = false;
      await others;
      await pool.close();
    }
  });
});
