/** Programs of package registries that a few tests need. They are kept outside of the repository. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pgsluice');
const MOST_MS = 300_000;

/** `folder` is undefined where it could not be fetched. */
export interface Fetched {
  readonly folder: string | undefined;
  /** What is missing then, for the line that says which tests are skipped. */
  readonly missing: string | undefined;
}

/** A package of npm with its dependencies, in `node_modules` of the folder. */
export function fromNpm(name: string, version: string): Fetched {
  return fetched(`npm-${name}-${version}`, `${name} (npm)`, (folder) => [
    'npm',
    ...['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', '--silent', `${name}@${version}`],
  ]);
}

/** A package of PyPI without its dependencies; the folder goes into PYTHONPATH. */
export function fromPyPI(name: string, version: string): Fetched {
  return fetched(`pypi-${name}-${version}`, `${name} ${version} (PyPI) for python3`, (folder) => [
    'python3',
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', folder],
    `${name}==${version}`,
  ]);
}

function fetched(name: string, what: string, install: (folder: string) => readonly string[]): Fetched {
  const place = join(CACHE, name);
  if (existsSync(place)) return { folder: place, missing: undefined };
  mkdirSync(CACHE, { recursive: true });
  // Another test file may fetch it at the same time, and a killed one must not leave half of it.
  const beside = mkdtempSync(`${place}-`);
  try {
    const [command = '', ...rest] = install(beside);
    const { status } = spawnSync(command, rest, { stdio: 'ignore', timeout: MOST_MS, cwd: beside });
    if (status !== 0) return { folder: undefined, missing: what };
    try {
      renameSync(beside, place);
    } catch (error) {
      if (!existsSync(place)) throw error;
    }
    return { folder: place, missing: undefined };
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
