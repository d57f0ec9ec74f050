/** Programs of the system that serve PostgreSQL's protocol, for one test file, each in a folder of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerCoordinates } from './postgres';
import { withClient } from './postgres';

/** The user that these programs run as when the tests run as root, which they refuse. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const NOBODY: Owner = { uid: 65_534, gid: 65_534 };

/** undefined: the present user. */
export function otherThanRoot(): Owner | undefined {
  return process.getuid?.() === 0 ? NOBODY : undefined;
}

/** Full path of a program, or undefined. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** `describe` where `missing` is undefined; else a suite that is skipped and says why. */
export function describeWhere(missing: string | undefined, name: string, tests: () => void): void {
  if (missing === undefined) {
    describe(name, tests);
    return;
  }
  process.stderr.write(`Skipped, since there is no ${missing}: ${name}\n`);
  describe.skip(name, tests);
}

/** A folder that its owner may write and others may enter. */
export function ownedFolder(owner: Owner | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-server-'));
  chmodSync(folder, 0o755);
  give(folder, owner);
  return folder;
}

export function give(path: string, owner: Owner | undefined): void {
  if (owner !== undefined) runToEnd('chown', ['-R', `${owner.uid}:${owner.gid}`, path]);
}

export function runToEnd(command: string, parameters: readonly string[], owner?: Owner): void {
  const { status, stderr, error } = spawnSync(command, parameters, { encoding: 'utf8', cwd: '/', ...owner });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export interface ServerProcess extends ServerCoordinates {
  close(): Promise<void>;
}

export interface LaunchOptions {
  readonly command: string;
  readonly parameters: readonly string[];
  /** Removed in the end, with all that is in it. */
  readonly folder: string;
  readonly login: ServerCoordinates;
  /** A connection to it proves that it serves. */
  readonly database: string;
  readonly owner?: Owner | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** The signal that ends it. */
  readonly ending: NodeJS.Signals;
}

/** Starts a program and waits until it answers. */
export async function launch(options: LaunchOptions): Promise<ServerProcess> {
  const { command, parameters, folder, login, owner, environment, ending } = options;
  const log = join(folder, 'output.log');
  const child = spawn(command, parameters, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
    env: { ...process.env, ...environment },
    ...owner,
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => appendFileSync(log, data));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const close = async (): Promise<void> => {
    if (running(child)) child.kill(ending);
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 1; ; attempt += 1) {
    const error = await withClient(login, options.database, (client) => client.query('SELECT 1')).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    if (error === undefined) return { ...login, close };
    if (attempt < MOST_ATTEMPTS && running(child)) {
      await delay(100);
      continue;
    }
    const output = existsSync(log) ? readFileSync(log, 'utf8') : '';
    await close();
    throw new Error(`${command} did not start: ${error.message}\n${output}`);
  }
}

const MOST_ATTEMPTS = 300;

function running(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
