/**
 * PostgreSQL's password file, as libpq reads it (PostgreSQL documentation, "The Password File"): lines of
 * host:port:database:user:password. The first line that matches counts. `*` matches anything, a backslash takes the
 * meaning from a colon or a backslash, and a line that begins with # is a comment.
 */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Login {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
}

export interface PassfileEntry {
  readonly password: string;
  /** From 1. */
  readonly line: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where libpq looks. */
export function passfilePath(env: Environment): string {
  if (env['PGPASSFILE']) return env['PGPASSFILE'];
  if (process.platform === 'win32') return join(env['APPDATA'] ?? homedir(), 'postgresql', 'pgpass.conf');
  return join(env['HOME'] || homedir(), '.pgpass');
}

/** Why a file that is there is not read, as libpq would not; undefined where it is, or is not there. */
export function passfileProblem(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isFile()) return `The password file ${path} is ignored, since it is no plain file.`;
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0)
    return `The password file ${path} is ignored, since others may read it; run: chmod 600 '${path}'`;
  return undefined;
}

/** The password of a login; undefined where the file has none, or is not there. Throws where it cannot be read. */
export function findInPassfile(path: string, login: Login): PassfileEntry | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  // A socket in the default folder is meant by "localhost", as libpq has it.
  const host = DEFAULT_SOCKET_FOLDERS.includes(login.host) ? 'localhost' : login.host;
  const wanted = [host, login.port, login.database, login.user];
  for (const [index, text] of readFileSync(path, 'utf8').split('\n').entries()) {
    const line = text.replace(/\r$/, '');
    if (line === '' || line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    const matches = wanted.every((value, at) => fields[at]?.raw === '*' || fields[at]?.text === value);
    const password = fields[wanted.length];
    if (matches && password !== undefined && password.text !== '') return { password: password.text, line: index + 1 };
  }
  return undefined;
}

/** The defaults of PostgreSQL itself, and of Debian and Red Hat. */
const DEFAULT_SOCKET_FOLDERS: readonly string[] = ['/tmp', '/var/run/postgresql', '/run/postgresql'];

/** Without its escapes, and as it is written: an escaped star is no wildcard. */
function fieldsOf(line: string): readonly { readonly text: string; readonly raw: string }[] {
  return [...line.matchAll(/((?:[^:\\]|\\.|\\$)*)(?::|$)/g)].map(([, raw = '']) => ({
    raw,
    text: raw.replace(/\\(.)/g, '$1'),
  }));
}
