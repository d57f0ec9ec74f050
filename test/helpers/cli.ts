/** The built command line, run as a child process: what a user runs. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestDatabase } from './postgres';
import { EXTENSIONS, KIND } from './settings';

export const PROJECT = resolve(__dirname, '../..');
const MAIN = join(PROJECT, 'dist/bin/pgsluice.js');
/** The same in modules, which a file preloaded by node (`--require`) can change. */
export const MODULES_MAIN = join(PROJECT, 'dist/cli/main.js');

/** Options of a sync that reads table after table, each from the start. */
const ONE_BY_ONE = ['--custom-threads', '1', '--full-resync', '*', '--lock-timeout-seconds', '0'] as const;

/**
 * A sync that is in the middle of its tables and cannot go on, so that a test has time to look at it: another session has
 * locked public.order_items of the demo. `release` lets it go on.
 */
export async function startHeldSync(
  database: TestDatabase,
  args: readonly string[],
  options: CliOptions = {},
): Promise<RunningCli & { release(): Promise<void> }> {
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE public.order_items IN ACCESS EXCLUSIVE MODE');
  const running = startCli(['sync', ...args, ...ONE_BY_ONE], options);
  await running.waitFor(/Processing table \d+\/\d+: public\.order_items/);
  return { ...running, release: async () => void (await holder.query('ROLLBACK')) };
}

export interface CliResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly pid: number;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<CliResult>;
  /** What it has written to either stream so far. */
  output(): string;
  /** Resolves when the output matches; rejects when the process ends without it. */
  waitFor(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Closes the reader's end of its standard output. */
  hangUp(): void;
}

export interface CliOptions {
  /** By default a folder without a configuration file. */
  readonly cwd?: string;
  /** Added to the environment, which is freed of everything that configures the product. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Replaces the built command line. */
  readonly main?: string;
  /** Arguments of node itself. */
  readonly nodeArguments?: readonly string[];
  /** File descriptors that replace the pipes of this process. */
  readonly outputs?: { readonly stdout?: number; readonly stderr?: number };
}

/** Starts the command line; it is killed with the test process at the latest. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  if (options.main === undefined || options.main === MODULES_MAIN) buildOnce();
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), options.main ?? MAIN, ...args], {
    cwd: options.cwd ?? join(PROJECT, 'test'),
    env: { ...plainEnvironment(), ...options.env },
    stdio: ['ignore', options.outputs?.stdout ?? 'pipe', options.outputs?.stderr ?? 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let over = false;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const ended = new Promise<CliResult>((done) => {
    child.once('close', (code, signal) => {
      over = true;
      process.off('exit', killWithUs);
      done({ code, signal, stdout, stderr });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    output: () => stdout + stderr,
    async waitFor(pattern) {
      while (!pattern.test(stdout + stderr)) {
        if (over) throw new Error(`The command ended without ${String(pattern)}:\n${stdout}${stderr}`);
        await delay(5);
      }
    },
    kill: (signal) => void child.kill(signal),
    hangUp: () => void child.stdout?.destroy(),
  };
}

/** Warnings of a log in text, but for those about a busy machine, which depend on what else runs on it. */
export function warningsIn(output: string): string[] {
  return output.split('\n').filter((line) => /\bWARNING\b/.test(line) && !line.includes(' PRESSURE: '));
}

export function runCli(args: readonly string[], options?: CliOptions): Promise<CliResult> {
  return startCli(args, options).ended;
}

/** configuration.json in a database's folder, with warehouse and state beside it; returns its path. */
export function writeConfiguration(database: TestDatabase, overrides: Readonly<Record<string, string>> = {}): string {
  const path = join(database.folder, 'configuration.json');
  writeFileSync(path, JSON.stringify({ ...configurationOf(database), ...overrides }));
  return path;
}

export function configurationOf(database: TestDatabase): Record<string, string> {
  return {
    host: database.host,
    port: String(database.port),
    database: database.name,
    username: database.user,
    password: database.password,
    warehouse_path: join(database.folder, 'warehouse.db'),
    state_path: join(database.folder, 'state.json'),
    ...(KIND === 'ducklake'
      ? {
          destination: KIND,
          lake_catalog: join(database.folder, 'lake', 'catalog.ducklake'),
          lake_extensions: EXTENSIONS,
        }
      : {}),
    // Retries must not slow the tests down.
    retry_sleep_seconds: '0.05',
  };
}

/** The environment without variables that would configure the product or change what its output looks like. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(PGSLUICE_|PG[A-Z]+$|FIVETRAN_|JEST_|NODE_ENV$|NODE_OPTIONS$|UV_THREADPOOL_SIZE$)/.test(name),
    ),
  );
}

let built: { readonly failed: boolean } | undefined;

/** Builds dist where it is older than src; one test file at a time, since they run in several processes. */
function buildOnce(): void {
  built ??= { failed: !build() };
  if (built.failed) throw new Error('The command line could not be built.');
}

function build(): boolean {
  const cache = join(PROJECT, 'node_modules/.cache');
  const lock = join(cache, 'pgsluice-test-build');
  mkdirSync(cache, { recursive: true });
  while (!tryLock(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  try {
    if (Math.max(newest(join(PROJECT, 'src')), newest(join(PROJECT, 'scripts/bundle'))) <= modified(MAIN)) return true;
    return spawnSync(process.execPath, [join(PROJECT, 'scripts/build.js')], { stdio: 'inherit' }).status === 0;
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Only one process can make a folder; one that a killed process left is taken over. */
function tryLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    if (Date.now() - modified(lock) > 120_000) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function newest(folder: string): number {
  return Math.max(
    modified(folder),
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => modified(join(folder, name))),
  );
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
