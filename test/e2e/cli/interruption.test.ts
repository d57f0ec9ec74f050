/** Ctrl-C and SIGTERM: the end comes within five seconds, whatever the server does, and nothing is lost. */
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

// Every command is a process of its own, on a machine that may be busy.
jest.setTimeout(180_000);

const ROWS = 80_000;
/** What the product promises, with a little for a busy machine. */

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

/** A sync in small batches, caught in the middle of the table, with something committed. */
async function startedSync(overrides: Readonly<Record<string, string>> = {}): Promise<RunningCli> {
  const run = startCli(['sync', '--configuration', configure(overrides)]);
  await run.waitFor(/Processing table 1\/1/);
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

async function connections(): Promise<number> {
  return await withClient(server, 'postgres', async (admin) => {
    const { rows } = await admin.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgsluice'",
    );
    return rows[0]?.n ?? -1;
  });
}

/** Lost connections may take a moment to be noticed by the server. */
async function expectNoConnections(): Promise<void> {
  for (let attempt = 0; attempt < 40 && (await connections()) > 0; attempt += 1) await delay(50);
  expect(await connections()).toBe(0);
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
  await delay(700);
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
  await delay(400);
  const backends = await withClient(server, 'postgres', async (admin) => {
    const { rows } = await admin.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice'",
    );
    return rows.map((row) => row.pid);
  });
  expect(backends.length).toBeGreaterThan(0);
  const stopped = what === 'backends' ? backends : [server.pid, ...backends];
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
  await delay(400);
  const backends = await withClient(server, 'postgres', async (admin) => {
    const { rows } = await admin.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice'",
    );
    return rows.map((row) => row.pid);
  });
  for (const pid of backends) process.kill(pid, 'SIGSTOP');
  try {
    run.kill('SIGINT');
    await run.waitFor(/SIGINT: stopping/);
    run.kill('SIGINT');
    const result = await run.ended;
    expect(result.code).toBe(130);
    expect(result.stderr).toContain('Stopped at once');
  } finally {
    for (const pid of backends) process.kill(pid, 'SIGCONT');
  }
  await expectNoConnections();
  await expectNextSyncCompletes();
});
