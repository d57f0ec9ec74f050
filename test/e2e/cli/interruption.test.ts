/** Ctrl-C and SIGTERM: the end comes, whatever the server does, and nothing is lost. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { runCli, startCli, writeConfiguration, type CliResult, type RunningCli } from '../../helpers/cli';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import {
  createDatabase,
  startServer,
  withClient,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';

const ROWS = 80_000;

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  database = await createDatabase({ server });
  await database.client.query(`
    CREATE TABLE big (id int PRIMARY KEY, noise text NOT NULL);
    INSERT INTO big SELECT i, md5(i::text) FROM generate_series(1, ${ROWS}) i;
    ANALYZE big;
  `);
});
afterEach(() => database.drop());

/** A sync in batches so small that it does not end by itself meanwhile, caught after its first ones. */
async function startedSync(): Promise<RunningCli> {
  const run = startCli(['sync', '--configuration', configure({ custom_batch_size: '5' })]);
  // Each reader's first batch is no execution of a prepared statement yet.
  while ((await connections("AND query LIKE 'EXECUTE %'")) === 0) await delay(5);
  return run;
}

function configure(overrides: Readonly<Record<string, string>> = {}): string {
  return writeConfiguration(database, { custom_batch_size: '50', custom_threads: '2', ...overrides });
}

async function endOf(run: RunningCli): Promise<CliResult> {
  const result = await run.ended;
  expectPresentable(result, [database.password]);
  return result;
}

async function interrupt(run: RunningCli, signal: 'SIGINT' | 'SIGTERM'): Promise<CliResult> {
  run.kill(signal);
  return await endOf(run);
}

async function backends(where = ''): Promise<number[]> {
  return await withClient(server, 'postgres', async (admin) => {
    const { rows } = await admin.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice' ${where}`,
    );
    return rows.map(({ pid }) => pid);
  });
}

async function connections(where = ''): Promise<number> {
  return (await backends(where)).length;
}

/** Lost connections may take a moment to be noticed by the server. */
async function expectNoConnections(): Promise<void> {
  while ((await connections()) > 0) await delay(50);
}

function expectNoLeftovers(run: RunningCli): void {
  const allowed = /^(configuration\.json|state\.json|warehouse\.db(\.wal)?)$/;
  expect(readdirSync(database.folder).filter((name) => !allowed.test(name))).toEqual([]);
  const children = execFileSync('ps', ['-A', '-o', 'ppid='], { encoding: 'utf8' }).split('\n').map(Number);
  expect(children).not.toContain(run.pid);
}

async function expectNextSyncCompletes(): Promise<CliResult> {
  const result = await runCli(['sync', '--configuration', configure({ custom_batch_size: '5000' })]);
  expect(result.code).toBe(0);
  const compared = await withWarehouse(database, (warehouse) =>
    compareTable(database.client, warehouse, { schema: 'public', name: 'big' }),
  );
  expect(compared).toEqual(same(ROWS));
  return result;
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle of a table: exit %d, progress kept, connections closed', async (signal, code) => {
  const run = await startedSync();
  const result = await interrupt(run, signal);
  expect(result.code).toBe(code);
  expect(result.stdout).toContain(`${signal}: stopping`);
  expect(result.stdout).toContain('Sync INTERRUPTED');
  expect(complaints(result)).toEqual([expect.stringMatching(/interrupted.*the next sync goes on/i)]);
  await expectNoConnections();
  expectNoLeftovers(run);
  const progress = await withWarehouse(database, (warehouse) =>
    warehouse.rows("SELECT CAST(json_extract(entry, '$.load.rows') AS INTEGER) FROM _pgsluice.state"),
  );
  const rowsBefore = Number(progress[0]?.[0]);
  expect(rowsBefore).toBeGreaterThan(0);
  expect(rowsBefore).toBeLessThan(ROWS);
  await expectNextSyncCompletes();
});

it('SIGINT while another session has locked the table: exit 130', async () => {
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE big IN ACCESS EXCLUSIVE MODE');
  const run = startCli(['sync', '--configuration', configure({ lock_timeout_seconds: '2', max_retries: '50' })]);
  await run.waitFor(/Processing table 1\/1/);
  await delay(300);
  const result = await interrupt(run, 'SIGINT');
  expect(result.code).toBe(130);
  await expectNoConnections();
  await holder.query('ROLLBACK');
  await expectNextSyncCompletes();
});

it('SIGINT while discovery waits for a lock: exit 130', async () => {
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE big IN ACCESS EXCLUSIVE MODE');
  const run = startCli(['sync', '--configuration', configure()]);
  await run.waitFor(/New database connection established/);
  await delay(300);
  const result = await interrupt(run, 'SIGINT');
  expect(result.code).toBe(130);
  await expectNoConnections();
  await holder.query('ROLLBACK');
});

it('SIGINT in the pause before another attempt: exit 130', async () => {
  const run = startCli(['sync', '--configuration', configure({ port: '1', retry_sleep_seconds: '60' })]);
  await run.waitFor(/Schema discovery failed, attempt 1/);
  expect((await interrupt(run, 'SIGINT')).code).toBe(130);
});

it.each(['backends', 'whole server'] as const)('SIGINT while the %s has stopped answering: exit 130', async (what) => {
  const run = await startedSync();
  const reading = await backends();
  expect(reading.length).toBeGreaterThan(0);
  const stopped = what === 'backends' ? reading : [server.pid, ...reading];
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  try {
    await delay(200);
    const result = await interrupt(run, 'SIGINT');
    expect(result.code).toBe(130);
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT');
  }
  expectNoLeftovers(run);
  await expectNoConnections();
  await expectNextSyncCompletes();
});

it('a second SIGINT ends at once', async () => {
  const run = await startedSync();
  const reading = await backends();
  for (const pid of reading) process.kill(pid, 'SIGSTOP');
  try {
    run.kill('SIGINT');
    await run.waitFor(/SIGINT: stopping/);
    run.kill('SIGINT');
    const result = await run.ended;
    expect(result.code).toBe(130);
    expect(result.stderr).toContain('Stopped at once');
  } finally {
    for (const pid of reading) process.kill(pid, 'SIGCONT');
  }
  await expectNoConnections();
  await expectNextSyncCompletes();
});
