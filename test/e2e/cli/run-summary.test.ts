/** `sync --json`: one document on standard output, however the sync ends; the log is on standard error. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, startCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import type { RunSummary, TableSummary } from '../../../src/app/run-summary';

let database: TestDatabase;
let configuration: string;

beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE orders (id int PRIMARY KEY, word text);
    CREATE TABLE quiet (id int PRIMARY KEY);
    INSERT INTO orders SELECT i, 'word ' || i FROM generate_series(1, 3000) i;
    INSERT INTO quiet VALUES (1);
  `);
  configuration = writeConfiguration(database);
});
afterEach(() => database.drop());

const sync = (...more: string[]): Promise<CliResult> =>
  runCli(['sync', '--json', '--configuration', configuration, ...more]);

function documentOf(result: CliResult): RunSummary {
  return JSON.parse(result.stdout) as RunSummary;
}

function tableOf(summary: RunSummary, table: string): TableSummary | undefined {
  return summary.tables.find((each) => each.table === table);
}

it('tells what was read, changed and marked deleted, table by table', async () => {
  await allOlderEnded(database.client);
  const first = documentOf(await sync());
  expect(first).toMatchObject({
    version: 1,
    command: 'sync',
    result: 'succeeded',
    exitCode: 0,
    source: `${database.host}:${database.port}/${database.name}`,
    configuration,
    counts: { tables: 2, synced: 2, unchanged: 0, failed: 0, notFinished: 0 },
    read: 3001,
    changed: 3001,
    deleted: 0,
    error: null,
  });
  expect(Date.parse(first.endedAt)).toBeGreaterThanOrEqual(Date.parse(first.startedAt));
  expect(Object.values(first.versions)).toEqual(Array(4).fill(expect.stringMatching(/^\d+\.\d+/)));

  await database.client.query(`
    UPDATE orders SET word = 'new' WHERE id <= 10; DELETE FROM orders WHERE id > 2990;`);
  const result = await sync();
  expect(result.stderr).toContain('Successfully processed table public.orders');
  const second = documentOf(result);
  expect(tableOf(second, 'public.orders')).toMatchObject({
    destinationTable: 'source_public_orders',
    outcome: 'synced',
    mode: 'xmin',
    changed: 10,
    deleted: 10,
    retries: 0,
    error: null,
  });
  expect(tableOf(second, 'public.quiet')).toMatchObject({ outcome: 'unchanged', read: 0, changed: 0, mode: 'xmin' });
  expect(second).toMatchObject({ changed: 10, deleted: 10, counts: { synced: 1, unchanged: 1 } });
});

it('names the tables that failed, with exit code 4', async () => {
  await database.client.query(`CREATE VIEW broken AS SELECT 1 / (id - 1) AS x FROM quiet`);
  const result = await sync('--include-views', '--max-retries', '1');
  expect(result.code).toBe(4);
  const summary = documentOf(result);
  expect(summary).toMatchObject({ result: 'some_tables_failed', exitCode: 4, counts: { synced: 2, failed: 1 } });
  expect(tableOf(summary, 'public.broken')).toMatchObject({
    outcome: 'failed',
    error: { kind: 'source', sqlState: '22012' },
  });
});

it('says what ended the whole run: no server, a wrong configuration, a signal', async () => {
  const refused = await sync('--port', '1', '--max-retries', '0');
  expect(documentOf(refused)).toMatchObject({
    result: 'failed',
    exitCode: 3,
    error: { kind: 'connection' },
    tables: [],
  });

  const wrong = await sync('--port', 'x');
  expect(wrong.code).toBe(2);
  expect(documentOf(wrong)).toMatchObject({ result: 'failed', exitCode: 2, error: { kind: 'configuration' } });

  await database.client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
  const running = startCli(['sync', '--json', '--configuration', configuration]);
  await running.waitFor(/Successfully processed table public\.quiet/);
  running.kill('SIGTERM');
  const stopped = await running.ended;
  await database.client.query('ROLLBACK');
  expect(stopped.code).toBe(143);
  const summary = documentOf(stopped);
  expect(summary).toMatchObject({ result: 'interrupted', exitCode: 143, error: { code: 'interrupted' } });
  expect(tableOf(summary, 'public.quiet')?.outcome).toBe('synced');
  expect(tableOf(summary, 'public.orders')?.outcome).toBe('not_finished');
});

it('tells another sync that has the warehouse from any other process', async () => {
  await sync();
  await database.client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE; DELETE FROM orders WHERE id = 1');
  const running = startCli(['sync', '--configuration', configuration]);
  await running.waitFor(/Found 2 tables/);
  const second = await sync();
  await database.client.query('ROLLBACK');
  expect((await running.ended).code).toBe(0);
  expect(second.code).toBe(5);
  expect(documentOf(second)).toMatchObject({ result: 'already_running', error: { code: 'warehouse_locked' } });
});

it('holds no password, and is an empty run where the file is wrong', async () => {
  const path = join(database.folder, 'broken.json');
  writeFileSync(path, '{"password": "hunter2hunter2');
  chmodSync(path, 0o600);
  const result = await runCli(['sync', '--json', '--configuration', path]);
  expect(result.stdout + result.stderr).not.toContain('hunter2');
  expect(documentOf(result)).toMatchObject({ source: null, warehouse: null, configuration: path, exitCode: 2 });
});
