#!/usr/bin/env node
/**
 * The command line as a process: arguments in, exit code out.
 *
 * This room has all that a person at a terminal meets: commands (`command-declarations` lists them, `commands/` runs them),
 * help and completion, colours, bars, prompts and exit codes. It calls app, fivetran and observe; nothing of src imports it. Start
 * here for the order of a start, and at `run-command` for what surrounds every command.
 */
import { lazyStart } from './lazy-start';
import { StandardStreams } from './standard-streams';
import { isSupervised, supervisedSignals } from './supervised';
import { stuckCalls } from '../common/stuck-calls';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';

// Readers and the destination share libuv's threads, 4 by default, and a blocked ODBC call keeps its thread: without
// spare ones, two of them would stop the rest. The variable is read once, when the pool starts, so it is set before
// anything else runs. A service has the readers of several Updates, and a worker of a fleet those of several jobs: those
// whose servers do not answer must leave threads to the others.
process.env['UV_THREADPOOL_SIZE'] ??= ['serve', 'fleet'].includes(process.argv[2] ?? '') ? '128' : '16';

// Milliseconds that a reader of our output gets before the process ends without it.
const FLUSH_MS = 1000;

/** Commands whose output is their only purpose. The others are worth finishing without it. */
const OUTPUT_ONLY: ReadonlySet<string> = new Set(['plan', 'status', 'query', 'tables', 'monitor', 'completion']);

/** Prints and calls what a user asked for at the end of a sync, also where that is an error nobody has caught. */
let tellOfCrash: ((end: { readonly exitCode: number; readonly error: unknown }) => Promise<void>) | undefined;

const streams = new StandardStreams(process.stdout, process.stderr);

async function main(argv: readonly string[]): Promise<number> {
  const version = packageVersion();
  // Answered before the parser is loaded, which takes longer than everything else here.
  if (argv.length === 1 && argv[0] === '--version') return say(`${version}\n`);
  const io = {
    outputLost: streams.outputLost,
    cwd: process.cwd(),
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  };
  const { parseCommandLine } = lazyStart.commandLine();
  let commandLine;
  try {
    commandLine = parseCommandLine(argv, version, process.stdout.columns);
  } catch (error) {
    return sayWhy(error);
  }
  if (commandLine.kind === 'help') return say(`${commandLine.text}\n`);
  const { name, switches } = commandLine;
  const outputOnly = OUTPUT_ONLY.has(name);
  const json = switches['json'] === 'true';
  if (!outputOnly) streams.goesOn = name === 'sync' ? 'the sync' : 'the command';
  if (json) streams.tellOnOutput = undefined;
  const supervised = isSupervised(process);
  if (switches['every'] !== undefined && !supervised) {
    const [, program = ''] = process.argv;
    try {
      return await lazyStart.every().runEvery(commandLine, { io, argv, program, version, source: process });
    } catch (error) {
      return sayWhy(error);
    }
  }
  const code = await lazyStart.runCommand().runCommand(commandLine, io, {
    source: supervised ? supervisedSignals(process) : process,
    forceExit: exitAtOnce,
    version,
    useCrash: (crashed) => (tellOfCrash = crashed),
    useLog: (logger) => {
      if (!json) streams.tellOnOutput = (sentence) => logger.warning(sentence);
    },
  });
  return await withOutputLost(code, outputOnly || json);
}

async function say(text: string): Promise<number> {
  process.stdout.write(text);
  return await withOutputLost(0, true);
}

/** A result that could not be written counts as a failure. */
async function withOutputLost(code: number, outputIsResult: boolean): Promise<number> {
  await flush();
  return streams.exitCode(code, outputIsResult);
}

function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}

function exitAtOnce(code: number): never {
  return lazyStart.exitNow().exitNow(code);
}

/** Waits for the reader of our output, but not for long. */
async function flush(): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_MS)));
  await Promise.race([streams.flushed(), timeout]);
  clearTimeout(timer);
}

let ending = false;

const TERMINALS = [0, 1, 2].filter((descriptor) => isatty(descriptor));

/** Node.js restores a terminal's settings at the end, and aborts where that fails. */
function terminalGone(): boolean {
  return !TERMINALS.every((descriptor) => isatty(descriptor));
}

/** The one way out: process.exit() would wait for a stuck ODBC call for ever. */
async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  await flush();
  if (stuckCalls() > 0 || terminalGone()) exitAtOnce(code);
  process.exit(code);
}

function sayWhy(error: unknown): number {
  return lazyStart.failure().failureToTerminal(error, process.stderr, {
    secrets: [],
    debug: ['--debug', '--verbose', '-v'].some((flag) => process.argv.includes(flag)),
  });
}

async function failAtOnce(error: unknown): Promise<void> {
  const code = sayWhy(error);
  const crashed = tellOfCrash;
  tellOfCrash = undefined;
  await crashed?.({ exitCode: code, error }).catch(() => undefined);
  await end(code);
}

function fail(error: unknown): void {
  void failAtOnce(error);
}

process.on('uncaughtException', fail);
// Nothing is left that could bring a result. Without this the process would end with 0, as if all were well.
process.once('beforeExit', () => fail(new Error('The command came to a halt without a result.')));
main(process.argv.slice(2)).then(end, fail);
