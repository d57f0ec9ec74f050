/** Runs the command of a hook: the message is its standard input, and what it prints goes nowhere but into our log. */
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { createRedactor } from '../../common/redact';
import { environmentNamesOf, OPTIONS } from '../../config/options';
import type { HookContext, HookMessage } from './hook-message';

/** A mail is sent in seconds; a command that waits for a person would hold up the process, and with it the next run. */
const COMMAND_LIMIT_MS = 60_000;
/** What a command wrote last may come after its end; what it has left in the background may never stop writing. */
const LAST_WORDS_MS = 1_000;
const LONGEST_OUTPUT = 2_000;
const LONGEST_QUOTE = 300;

export interface CommandLimits {
  readonly limitMs: number;
  /** How long the output of a command that has failed is waited for. */
  readonly lastWordsMs?: number;
}

/** Resolves with what went wrong, a sentence; undefined where the command ended with 0. Never rejects. */
export function runHookCommand(
  words: readonly string[],
  message: HookMessage,
  context: HookContext,
  { limitMs, lastWordsMs = LAST_WORDS_MS }: CommandLimits = { limitMs: COMMAND_LIMIT_MS },
): Promise<string | undefined> {
  const [program = '', ...parameters] = words;
  const name = basename(program);
  const limit = AbortSignal.timeout(limitMs);
  const stopped = AbortSignal.any([context.signal, limit]);
  if (stopped.aborted) return Promise.resolve(`the program "${name}" was not started, since the process is ending.`);
  const child = spawn(program, parameters, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: hookEnvironment(message, context.env),
    windowsHide: true,
    // A group of its own, so that what a script has started is ended with it.
    detached: process.platform !== 'win32',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-LONGEST_OUTPUT)));
  const redact = createRedactor(context.secrets);
  const said = (): string => {
    const text = redact(output.trim()).replaceAll(/\s+/g, ' ');
    return text === '' ? '' : ` It said: ${text.length > LONGEST_QUOTE ? `…${text.slice(-LONGEST_QUOTE)}` : text}`;
  };
  return new Promise((resolve) => {
    const end = (problem: string | undefined): void => {
      stopped.removeEventListener('abort', stop);
      // A program in the background may hold them open.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      child.unref();
      resolve(problem);
    };
    const stop = (): void => {
      killGroup(child.pid);
      end(
        limit.aborted
          ? `the program "${name}" did not end within ${limitMs / 1000} s, and was ended.${said()}`
          : `the program "${name}" was ended, since the process is ending.`,
      );
    };
    stopped.addEventListener('abort', stop, { once: true });
    child.once('error', (error) => end(`the program "${name}" ${whyNotRun(error)}.`));
    child.once('exit', (code, signal) => {
      if (code === 0) {
        end(undefined);
        return;
      }
      const how = signal === null ? `exit code ${code ?? '?'}` : `signal ${signal}`;
      const failed = (): void => end(`the program "${name}" ended with ${how}.${said()}`);
      const late = setTimeout(failed, lastWordsMs);
      child.once('close', () => {
        clearTimeout(late);
        failed();
      });
    });
    // A program that does not read its input is right as well.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(message)}\n`);
  });
}

function whyNotRun({ code = 'unknown error' }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' ? 'is not found; write its whole path' : `cannot be run (${code})`;
}

/** As ours, without what may hold a password, and with what a short script wants to know. */
function hookEnvironment(message: HookMessage, env: HookContext['env']): NodeJS.ProcessEnv {
  const options = new Set(
    OPTIONS.filter(({ kind, secret }) => secret === true || kind === 'command').flatMap(environmentNamesOf),
  );
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !options.has(name))),
    PGSLUICE_RUN_RESULT: message.result,
    PGSLUICE_RUN_EXIT_CODE: String(message.exitCode),
    PGSLUICE_RUN_TEXT: message.text,
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
