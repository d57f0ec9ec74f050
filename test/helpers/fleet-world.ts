/** A fleet for tests: sources, a catalog on a server of its own, and workers as processes, which faults may hit. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectionString } from '../integration/lake/world';
import { MODULES_MAIN, runCli, startCli, type CliResult, type RunningCli } from './cli';
import { compareTable, same } from './compare';
import { createWorld, TABLES } from './fault-world';
import { createDatabase, startServer, withClient, type PostgresServer, type TestDatabase } from './postgres';
import { EXTENSIONS } from './settings';
import { openLakeAt, type WarehouseReader } from './warehouse-access';

/** Large enough to be cut into parts of a megabyte. */
export const CUT_TABLE = 'large';
const CUT_ROWS = 16_000;
const LAKE = 'lake';
/** No round of the small databases may take longer, whatever happens: it would hang for ever. */
const LONGEST_SECONDS = 600;

export interface FleetWorld {
  /** The server of queue and lake. */
  readonly catalog: PostgresServer;
  /** By name. */
  readonly sources: ReadonlyMap<string, TestDatabase>;
  readonly folder: string;
  run(...words: readonly string[]): Promise<CliResult>;
  /** `killAt`: see test/faults/kill-at.js. */
  startWorker(killAt?: string): RunningCli;
  close(): Promise<void>;
}

export async function createFleet(names: readonly string[], rows: number): Promise<FleetWorld> {
  // A killed server must not forget what it had already shown.
  const catalog = await startServer({ flags: { max_connections: '150', synchronous_commit: 'on' } });
  await withClient(catalog, 'postgres', (admin) => admin.query(`CREATE DATABASE ${LAKE}`));
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-fleet-'));
  const sources = new Map<string, TestDatabase>();
  for (const name of names) {
    const database = await createDatabase();
    sources.set(name, database);
    await createWorld(database.client, rows);
    await database.client.query(`CREATE TABLE ${CUT_TABLE} (id int PRIMARY KEY, note text, amount numeric);
      INSERT INTO ${CUT_TABLE} SELECT i, repeat(md5(i::text), 6), i / 7.0 FROM generate_series(1, ${CUT_ROWS}) i; ANALYZE ${CUT_TABLE}`);
  }
  writeFleet(folder, catalog, sources);
  const env = Object.fromEntries(
    [...sources].map(([name, { password }]) => [`PGSLUICE_PASSWORD_${name.toUpperCase()}`, password]),
  );
  const started = new Set<RunningCli>();
  return {
    catalog,
    sources,
    folder,
    run: (...words) => runCli(words, { cwd: folder, env }),
    startWorker: (killAt) => {
      const killed = {
        main: MODULES_MAIN,
        nodeArguments: ['--require', require.resolve('../faults/kill-at.js')],
        env: { ...env, TEST_KILL_AT: killAt },
      };
      const worker = startCli(['fleet', 'work'], { cwd: folder, env, ...(killAt === undefined ? {} : killed) });
      started.add(worker);
      void worker.ended.then(() => started.delete(worker));
      return worker;
    },
    close: async () => {
      for (const worker of started) worker.kill('SIGKILL');
      for (const database of sources.values()) await database.drop();
      await catalog.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeFleet(folder: string, catalog: PostgresServer, sources: ReadonlyMap<string, TestDatabase>): void {
  const lake = {
    destination: 'ducklake',
    lake_catalog: connectionString(catalog, LAKE),
    lake_data_path: join(folder, 'lake'),
    lake_extensions: EXTENSIONS,
  };
  const shared = { retry_sleep_seconds: '0.1', max_deletes: '100', custom_batch_size: '300' };
  const fleet = { fleet_sources: 'sources', fleet_jobs: '2', fleet_part_megabytes: '1', fleet_drain_seconds: '60' };
  write(join(folder, 'configuration.json'), { ...lake, ...shared, ...fleet });
  mkdirSync(join(folder, 'sources'));
  for (const [name, { host, port, user, name: database }] of sources)
    write(join(folder, 'sources', `${name}.json`), {
      ...lake,
      ...shared,
      ...{ host, port: String(port), database, username: user, destination_schema: name },
      state_path: join(folder, `${name}.json`),
    });
}

function write(file: string, configuration: Readonly<Record<string, string>>): void {
  writeFileSync(file, JSON.stringify(configuration));
}

/** Workers that are started again whenever they end, as a service manager does. */
export function keepWorkers(
  fleet: FleetWorld,
  count: number,
): { pick(index: number): RunningCli; stop(): Promise<void> } {
  let stopped = false;
  const present: RunningCli[] = [];
  const keep = async (index: number): Promise<void> => {
    while (!stopped) {
      const worker = fleet.startWorker();
      present[index] = worker;
      await worker.ended;
      await delay(200);
    }
  };
  const kept = Array.from({ length: count }, (_, index) => keep(index));
  return {
    pick: (index) => {
      const worker = present[index % count];
      if (worker === undefined) throw new Error('No worker has been started.');
      return worker;
    },
    stop: async () => {
      stopped = true;
      for (const worker of present) {
        worker.kill('SIGCONT');
        worker.kill('SIGTERM');
      }
      await Promise.all(kept);
    },
  };
}

export interface QueuedJobs {
  /** That wait or run. */
  readonly open: number;
  readonly active: number;
  /** That nobody will try again, planning not counted. */
  readonly failed: number;
}

/** undefined: the queue cannot be asked now. */
export async function queuedJobs({ catalog }: FleetWorld): Promise<QueuedJobs | undefined> {
  try {
    let found: QueuedJobs | undefined;
    await withClient(catalog, LAKE, async (client) => {
      const { rows } = await client.query<QueuedJobs>(
        `SELECT count(*) FILTER (WHERE state <= 'active')::int AS open, count(*) FILTER (WHERE state = 'active')::int AS active,
         count(*) FILTER (WHERE state = 'failed' AND name = 'work')::int AS failed FROM pgsluice_fleet.job`,
      );
      found = rows[0];
    });
    return found;
  } catch {
    return undefined;
  }
}

export async function untilJobs(
  fleet: FleetWorld,
  what: string,
  reached: (jobs: QueuedJobs) => boolean,
  said: () => string = () => '',
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const jobs = await queuedJobs(fleet);
    if (jobs !== undefined && reached(jobs)) return;
    if (performance.now() - started > LONGEST_SECONDS * 1000)
      throw new Error(
        `${what} did not come within ${LONGEST_SECONDS} s: ${JSON.stringify(jobs)}\n${said().slice(-5000)}`,
      );
    await delay(100);
  }
}

/** Syncs all sources until nothing is left to be done of any. */
export async function syncAll(fleet: FleetWorld, said?: () => string): Promise<void> {
  const sent = await fleet.run('fleet', 'sync', '--all');
  if (sent.code !== 0) throw new Error(`fleet sync ended with ${String(sent.code)}: ${sent.stdout}${sent.stderr}`);
  await untilJobs(fleet, 'The end of all jobs', ({ open }) => open === 0, said);
}

/** Fails unless every source is in the lake, value by value and each row once, by `verify` as well. */
export async function expectAllEqual(fleet: FleetWorld, names = [...fleet.sources.keys()]): Promise<void> {
  for (const name of names) {
    const database = fleet.sources.get(name);
    if (database === undefined) throw new Error(`No source ${name}.`);
    const lake = await openLake(fleet);
    try {
      for (const table of [...TABLES, CUT_TABLE]) {
        const compared = await compareTable(database.client, lake, {
          ...{ schema: 'public', name: table, destinationSchema: name },
        });
        expect({ name, table, ...compared }).toEqual({ name, table, ...same(compared.rows) });
      }
    } finally {
      lake.close();
    }
    const verified = await runCli(['verify', '--configuration', join('sources', `${name}.json`), '-q'], {
      cwd: fleet.folder,
      env: { PGSLUICE_PASSWORD: database.password },
    });
    expect([name, verified.code, verified.stderr]).toEqual([name, 0, '']);
  }
}

/** Tables of loads that have ended must be gone. */
export async function leftBehind(fleet: FleetWorld): Promise<unknown[][]> {
  const lake = await openLake(fleet);
  try {
    return await lake.rows(
      "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake' AND (starts_with(table_name, '_pgsluice_') OR regexp_matches(table_name, '^(parts|todo)_'))",
    );
  } finally {
    lake.close();
  }
}

async function openLake({ catalog }: FleetWorld): Promise<WarehouseReader> {
  const place = connectionString(catalog, LAKE).replaceAll("'", "''");
  return await openLakeAt(`postgres:${place}`, { extensions: ['postgres_scanner'] });
}

export async function terminateSessions({ catalog }: FleetWorld): Promise<void> {
  await withClient(catalog, 'postgres', (admin) =>
    admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [LAKE]),
  );
}
