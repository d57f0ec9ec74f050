/** A fleet for tests: a lake whose catalog a server keeps, sources, and workers as processes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { runCli, startCli, type CliOptions, type CliResult, type RunningCli } from './cli';
import { connectionString, createDatabase, withClient, type ServerCoordinates, type TestDatabase } from './postgres';
import { EXTENSIONS } from './settings';

/** A busy machine takes its time, and nothing is decided by it; but what hangs must not hang for ever. */
const MOST_SECONDS = 600;

type Configuration = Readonly<Record<string, string>>;

export interface FleetOptions {
  /** Fills each source. */
  readonly fill: (client: Client) => Promise<unknown>;
  /** Keeps catalog and queue; by default the server that all tests share. */
  readonly server?: ServerCoordinates;
  /** Keys of the fleet's own file. */
  readonly fleet?: Configuration;
  /** Keys of the file of each source. */
  readonly source?: Configuration;
}

export interface FleetWorld {
  readonly folder: string;
  /** Has the catalog and the queue. */
  readonly lake: TestDatabase;
  /** By name. */
  readonly sources: ReadonlyMap<string, TestDatabase>;
  /** `pgsluice fleet …` */
  run(words: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** It knows the passwords of all sources. It is killed in the end at the latest. */
  worker(words?: readonly string[], options?: CliOptions): RunningCli;
  /** Changes a source's file. */
  configure(name: string, keys: Configuration): void;
  /** Rows of the queue's jobs, by a connection of the test's own. */
  jobs(where?: string): Promise<readonly JobRow[]>;
  verify(name: string, ...words: readonly string[]): Promise<CliResult>;
  close(): Promise<void>;
}

export interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly group_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly output: Readonly<Record<string, unknown>> | null;
}

/** Schema of a source in the lake. */
export function schemaOf(name: string): string {
  return `tenant_${name}`;
}

export async function createFleet(names: readonly string[], options: FleetOptions): Promise<FleetWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-fleet-'));
  const lake = await createDatabase(options.server === undefined ? {} : { server: options.server });
  const sources = new Map<string, TestDatabase>();
  for (const name of names) {
    const database = await createDatabase();
    sources.set(name, database);
    await options.fill(database.client);
  }
  const configure = writeFleet({ folder, lake, sources }, options);
  const passwords = Object.fromEntries(
    [...sources].map(([name, { password }]) => [`PGSLUICE_PASSWORD_${name.toUpperCase()}`, password]),
  );
  const workers = new Set<RunningCli>();
  return {
    folder,
    lake,
    sources,
    configure,
    run: (words, more = {}) => runCli(['fleet', ...words], { cwd: folder, ...more }),
    worker: (words = [], more = {}) => {
      const env = { ...passwords, ...more.env };
      const worker = startCli(['fleet', 'work', ...words], { cwd: folder, ...more, env });
      workers.add(worker);
      void worker.ended.then(() => workers.delete(worker));
      return worker;
    },
    jobs: (where = 'true') =>
      // A connection of its own each time, since the server may have been restarted.
      withClient(lake, lake.name, async (client) => {
        const sql = `SELECT id, name, state::text, group_id, data, output FROM pgsluice_fleet.job WHERE ${where} ORDER BY created_on`;
        return (await client.query<JobRow>(sql)).rows;
      }),
    verify: (name, ...words) =>
      runCli(['verify', '--configuration', join('sources', `${name}.json`), ...words], {
        cwd: folder,
        env: { PGSLUICE_PASSWORD: sourceOf(sources, name).password },
      }),
    close: async () => {
      const running = [...workers];
      for (const worker of running) worker.kill('SIGKILL');
      await Promise.all(running.map(({ ended }) => ended));
      await Promise.all([lake, ...sources.values()].map((database) => database.drop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function sourceOf(sources: FleetWorld['sources'], name: string): TestDatabase {
  const database = sources.get(name);
  if (database === undefined) throw new Error(`There is no source ${name}.`);
  return database;
}

/** Each source's file names the lake too, so that `verify` can read it. */
function writeFleet(
  { folder, lake, sources }: Pick<FleetWorld, 'folder' | 'lake' | 'sources'>,
  options: FleetOptions,
): FleetWorld['configure'] {
  const shared = {
    destination: 'ducklake',
    lake_catalog: connectionString(lake, lake.name),
    lake_data_path: join(folder, 'lake'),
    lake_extensions: EXTENSIONS,
  };
  writeFileSync(join(folder, 'configuration.json'), JSON.stringify({ ...shared, ...options.fleet }));
  mkdirSync(join(folder, 'sources'));
  const files = new Map<string, Configuration>();
  const configure: FleetWorld['configure'] = (name, keys) => {
    const file = { ...files.get(name), ...keys };
    files.set(name, file);
    writeFileSync(join(folder, 'sources', `${name}.json`), JSON.stringify(file));
  };
  for (const [name, { host, port, user, name: database }] of sources)
    configure(name, {
      ...{ ...shared, host, port: String(port), database, username: user },
      ...{ destination_schema: schemaOf(name), retry_sleep_seconds: '0.05', ...options.source },
    });
  return configure;
}

export async function until(
  reached: () => Promise<boolean>,
  /** What to say where it does not happen. */
  missed: () => string = () => 'What the test waits for',
): Promise<void> {
  const started = performance.now();
  while (!(await reached())) {
    if (performance.now() - started > MOST_SECONDS * 1000)
      throw new Error(`${missed()} did not come within ${MOST_SECONDS} s.`);
    await delay(100);
  }
}

/** Resolves when no job waits or runs any more. A queue that cannot be asked has jobs. */
export async function untilDone(fleet: FleetWorld, said: () => string = () => ''): Promise<void> {
  let open: readonly JobRow[] | undefined;
  await until(
    async () => {
      open = await fleet.jobs("state <= 'active'").catch(() => undefined);
      return open?.length === 0;
    },
    () => `${said().slice(-5000)}\nThe end of all jobs (now ${JSON.stringify(open)})`,
  );
}

/** Resolves when so many jobs run. */
export async function untilRunning(fleet: FleetWorld, count: number): Promise<void> {
  await until(
    async () => (await fleet.jobs("state = 'active'").catch(() => [])).length >= count,
    () => `${count} jobs at the same time`,
  );
}
