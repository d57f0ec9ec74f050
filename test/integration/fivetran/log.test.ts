/** Mode log through gRPC: deletes become DELETE records, without a full load. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runRound, type RoundReport } from '../../../src/fivetran/reference-client/platform';
import { parseLsn } from '../../../src/postgres/log/lsn';
import { confirmedPosition, dropSlot, startLogServer } from '../../helpers/log-server';
import { createDatabase, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { configurationFor, startService, syncToWarehouse, type TestService } from '../../helpers/fivetran/service';
import { differences } from '../../helpers/fivetran/warehouses';

const SLOT = 'platform';

let server: PostgresServer;
let database: TestDatabase;
let service: TestService;
let options: Parameters<typeof runRound>[0];

beforeAll(async () => {
  // A slot is moved on up to what is flushed.
  server = await startLogServer({ flags: { synchronous_commit: 'on' } });
  service = await startService();
});
afterAll(async () => {
  await service.stop();
  await server.close();
});
beforeEach(async () => {
  database = await createDatabase({ server });
  await sql(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 5000) i;
    CREATE TABLE u (a text, b numeric, PRIMARY KEY (b, a)); INSERT INTO u SELECT 'a' || i, i / 4.0 FROM generate_series(1, 100) i; ANALYZE`);
  await sql('CREATE PUBLICATION pgsluice FOR ALL TABLES');
  await sql(`SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`);
  options = {
    address: service.address,
    configuration: configurationFor(database, { sync_mode: 'log', slot_name: SLOT }),
    warehousePath: join(database.folder, 'platform.db'),
    statePath: join(database.folder, 'platform-state.json'),
  };
});
afterEach(async () => {
  await dropSlot(database);
  await database.drop();
});

const sql = async (text: string): Promise<void> => {
  await database.client.query(text);
};

async function round(): Promise<RoundReport> {
  const report = await runRound(options);
  expect(report.breaches).toEqual([]);
  return report;
}

async function expectSame(): Promise<void> {
  const warehouse = await syncToWarehouse(database, { syncMode: 'full' });
  expect(await differences(warehouse, options.warehousePath)).toEqual([]);
}

const CHANGE = `DELETE FROM t WHERE id % 100 = 3; UPDATE t SET v = 'new' WHERE id % 100 = 4; UPDATE t SET id = -id WHERE id = 5;
  DELETE FROM u WHERE b = 1; UPDATE u SET a = 'moved' WHERE b = 2`;

it('sends what has changed and what has gone, and nothing else', async () => {
  await round();
  // The copy by the command line knows of rows only that were there when it began.
  await expectSame();
  await sql(CHANGE);
  const { counts } = await round();
  expect(counts).toMatchObject({ upserts: 52, deletes: 53, truncates: 0 });
  await expectSame();
  const quiet = await round();
  expect(quiet.counts).toMatchObject({ upserts: 0, deletes: 0, truncates: 0 });
});

it('lets the server remove the log when a checkpoint has come back', async () => {
  await round();
  await sql(CHANGE);
  const { rows } = await database.client.query<{ l: string }>('SELECT pg_current_wal_flush_lsn()::text AS l');
  const changed = parseLsn(rows[0]?.l ?? '');
  await round();
  expect(await confirmedPosition(database.client, SLOT)).toBeLessThan(changed);
  await round();
  expect(await confirmedPosition(database.client, SLOT)).toBeGreaterThanOrEqual(changed);
});

it('sends again what a platform has lost with its last checkpoint', async () => {
  await round();
  await expectSame();
  const state = readFileSync(String(options.statePath));
  await sql(CHANGE);
  await round();
  writeFileSync(String(options.statePath), state);
  const { counts } = await round();
  expect(counts).toMatchObject({ upserts: 52, deletes: 53, truncates: 0 });
  await expectSame();
});

it('loads anew what the log does not reach back to', async () => {
  await round();
  await sql(CHANGE);
  await sql(`SELECT pg_replication_slot_advance('${SLOT}', pg_current_wal_flush_lsn())`);
  const { counts } = await round();
  expect(counts.truncates).toBe(2);
  await sql(`DELETE FROM t WHERE id = 11`);
  expect((await round()).counts).toMatchObject({ deletes: 1, truncates: 0 });
});
