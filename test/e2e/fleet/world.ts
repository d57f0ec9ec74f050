/** A fleet for tests: a lake and sources in databases of the shared server, and workers as processes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCli, startCli, type CliOptions, type CliResult, type RunningCli } from '../../helpers/cli';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { EXTENSIONS } from '../../helpers/settings';

/** A busy machine takes its time; nothing is decided by it. */
const MOST_SECONDS = 300;

export interface World {
  readonly folder: string;
  /** Has the catalog and the queue. */
  readonly lake: TestDatabase;
  readonly sources: Readonly<Record<string, TestDatabase>>;
  /** Environment with the password of each source. */
  readonly passwords: Readonly<Record<string, string>>;
  fleet(words: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** It is killed in the end at the latest. */
  worker(words?: readonly string[], options?: CliOptions): RunningCli;
  /** Changes a source's file. */
  configure(name: string, keys: Readonly<Record<string, string>>): void;
  /** Resolves when no job waits or runs any more. */
  done(): Promise<void>;
  /** Rows of the queue's jobs, by a connection of the test's own. */
  jobs(where?: string): Promise<readonly JobRow[]>;
  /** By source: exit code and output of `verify`. */
  verify(name: string): Promise<CliResult>;
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

export function connectionString(database: TestDatabase): string {
  const { host, port, user, password, name } = database;
  return `host=${host} port=${port} dbname=${name} user=${user} password='${password.replace(/['\\]/g, '\\$&')}'`;
}

/** `sql` fills each source. */
export async function createWorld(names: readonly string[], sql: string): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-fleet-'));
  const lake = await createDatabase();
  const sources: Record<string, TestDatabase> = {};
  for (const name of names) {
    const database = await createDatabase();
    sources[name] = database;
    await database.client.query(sql);
  }
  const shared = {
    destination: 'ducklake',
    lake_catalog: connectionString(lake),
    lake_data_path: join(folder, 'lake'),
    lake_extensions: EXTENSIONS,
  };
  const passwords: Record<string, string> = {};
  const files: Record<string, Record<string, string>> = {};
  mkdirSync(join(folder, 'sources'));
  writeFileSync(join(folder, 'configuration.json'), JSON.stringify({ ...shared, fleet_drain_seconds: '20' }));
  const write = (name: string): void =>
    writeFileSync(join(folder, 'sources', `${name}.json`), JSON.stringify(files[name]));
  for (const [name, { host, port, user, password, name: database }] of Object.entries(sources)) {
    passwords[`PGSLUICE_PASSWORD_${name.toUpperCase()}`] = password;
    files[name] = {
      ...{ ...shared, host, port: String(port), database, username: user },
      ...{ destination_schema: `tenant_${name}`, retry_sleep_seconds: '0.05' },
    };
    write(name);
  }
  const workers: RunningCli[] = [];
  const world: World = {
    folder,
    lake,
    sources,
    passwords,
    fleet: (words, options = {}) => runCli(['fleet', ...words], { cwd: folder, ...options }),
    worker: (words = [], options = {}) => {
      const worker = startCli(['fleet', 'work', ...words], {
        cwd: folder,
        ...options,
        env: { ...passwords, ...options.env },
      });
      workers.push(worker);
      return worker;
    },
    configure: (name, keys) => {
      files[name] = { ...files[name], ...keys };
      write(name);
    },
    done: () => until(async () => (await world.jobs("state <= 'active'")).length === 0),
    jobs: async (where = 'true') =>
      (
        await lake.client.query<JobRow>(
          `SELECT id, name, state::text, group_id, data, output FROM pgsluice_fleet.job WHERE ${where} ORDER BY created_on`,
        )
      ).rows,
    verify: (name) =>
      runCli(['verify', '--configuration', join(folder, 'sources', `${name}.json`)], {
        cwd: folder,
        env: { PGSLUICE_PASSWORD: sources[name]?.password },
      }),
    close: async () => {
      for (const worker of workers) worker.kill('SIGKILL');
      await Promise.all(workers.map(({ ended }) => ended));
      await Promise.all([lake, ...Object.values(sources)].map((database) => database.drop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}

export async function until(reached: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await reached()); waited += 0.1) {
    if (waited > MOST_SECONDS) throw new Error('What the test waits for did not happen.');
    await delay(100);
  }
}
