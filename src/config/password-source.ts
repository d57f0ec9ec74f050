/** Where the password comes from: what names it outright, a file, a command, or PostgreSQL's password file. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createRedactor } from '../common/redact';
import { commandWords } from './command-words';
import { findInPassfile, passfileProblem, type Login } from './passfile';

/** In their order, where several are named in the same place. */
export const PASSWORD_KEYS = ['password', 'password_file', 'password_command'] as const;
export type PasswordKey = (typeof PASSWORD_KEYS)[number];

export interface NamedSource {
  readonly key: PasswordKey;
  /** Absolute where it is a path. */
  readonly text: string;
  /** For people: `--password-file`, `PGPASSWORD`, or the configuration file. */
  readonly origin: string;
  /** 0: flag, 1: environment, 2: configuration file. */
  readonly level: number;
}

export interface FoundPassword {
  readonly password: string;
  /** For people: `the file /run/secrets/shop (password_file)`. */
  readonly from: string;
}

/** An unusable source is a problem of the configuration: one sentence. */
export type PasswordAnswer = FoundPassword | { readonly problem: string };

/**
 * The source that counts. A flag wins over the environment, which wins over the file, whatever is named there; in the
 * same place the order of `PASSWORD_KEYS` counts. An empty password is one only where nothing else is named.
 */
export function sourceThatCounts(named: readonly NamedSource[]): NamedSource | undefined {
  const rank = ({ key, text, level }: NamedSource): number =>
    (key === 'password' && text === '' ? 100 : 0) + level * 10 + PASSWORD_KEYS.indexOf(key);
  return [...named].sort((a, b) => rank(a) - rank(b))[0];
}

export function readPassword(source: NamedSource, environment: NodeJS.ProcessEnv): PasswordAnswer {
  switch (source.key) {
    case 'password':
      return { password: source.text, from: placeOf(source) };
    case 'password_file':
      return ofFile(source);
    case 'password_command':
      return ofCommand(source, environment);
  }
}

/** For people, without what the source itself says. */
export function placeOf({ key, origin, level }: NamedSource): string {
  if (key !== 'password') return `${key} (${origin})`;
  return level === 1 ? `the environment variable ${origin}` : origin;
}

export function fromPassfile(path: string, login: Login): PasswordAnswer | undefined {
  const ignored = passfileProblem(path);
  if (ignored !== undefined) return { problem: ignored };
  try {
    const entry = findInPassfile(path, login);
    return entry === undefined ? undefined : { password: entry.password, from: `line ${entry.line} of ${path}` };
  } catch (error) {
    return { problem: `The password file ${path} cannot be read (${codeOf(error)}); check its permissions.` };
  }
}

const LONGEST_PASSWORD = 65_536;

function ofFile({ text: path, key, origin }: NamedSource): PasswordAnswer {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    return {
      problem: `${key} (${origin}) names ${path}, which cannot be read (${codeOf(error)}); correct the path or its permissions.`,
    };
  }
  return checked(content, `the file ${path} (${key})`, `${key} (${origin}) names ${path}, which`);
}

/** Asking a vault over the network takes seconds; a command that waits for a person would wait for ever. */
const COMMAND_LIMIT_MS = 30_000;

function ofCommand({ text, key, origin }: NamedSource, environment: NodeJS.ProcessEnv): PasswordAnswer {
  const problem = (what: string): PasswordAnswer => ({ problem: `${key} (${origin}) ${what}` });
  const parsed = commandWords(text);
  if ('problem' in parsed) return problem(`${parsed.problem}.`);
  const [program = '', ...parameters] = parsed.words;
  const name = basename(program);
  const result = spawnSync(program, parameters, {
    // Nothing that comes after the limit is wanted, so the command need not end in order.
    ...{ timeout: COMMAND_LIMIT_MS, killSignal: 'SIGKILL', maxBuffer: LONGEST_PASSWORD * 2 },
    ...{ stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, shell: false, env: environment },
  });
  const said = lastWords(result.stderr, result.stdout);
  if (result.error !== undefined) {
    const code = codeOf(result.error);
    if (code === 'ENOENT') return problem(`names the program "${name}", which is not found; write its whole path.`);
    if (code === 'ETIMEDOUT')
      return problem(
        `started "${name}", which did not end within ${COMMAND_LIMIT_MS / 1000} s; it must not ask anybody.${said}`,
      );
    return problem(`names the program "${name}", which cannot be run (${code}); check it.${said}`);
  }
  if (result.status !== 0) {
    const how = result.signal === null ? `exit code ${result.status ?? '?'}` : `signal ${result.signal}`;
    return problem(`started "${name}", which failed with ${how}.${said}`);
  }
  return checked(result.stdout, `the command "${name}" (${key})`, `${key} (${origin}) started "${name}", whose output`);
}

/** The first line, without its end. */
function checked(content: Buffer, from: string, subject: string): PasswordAnswer {
  if (content.length > LONGEST_PASSWORD)
    return { problem: `${subject} is too long for a password; it must be its only line.` };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return { problem: `${subject} is not UTF-8 text; it must be the password.` };
  }
  const password = text.replace(/\r?\n$/, '');
  if (password === '') return { problem: `${subject} is empty; it must be the password.` };
  if (/[\n\r]/.test(password)) return { problem: `${subject} has several lines; it must be the password alone.` };
  if (password.includes('\0'))
    return { problem: `${subject} contains a NUL character, which no connection can carry.` };
  return { password, from };
}

const LONGEST_QUOTE = 300;

/** What the command said of its failure, without what it may have printed as a password. */
function lastWords(stderr: Buffer | null, stdout: Buffer | null): string {
  const secrets = (stdout?.toString('utf8') ?? '').split(/\s+/).filter((word) => word !== '');
  const text = createRedactor(secrets)(stderr?.toString('utf8').trim() ?? '').replaceAll(/\s+/g, ' ');
  if (text === '') return '';
  return ` It said: ${text.length > LONGEST_QUOTE ? `…${text.slice(-LONGEST_QUOTE)}` : text}`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
