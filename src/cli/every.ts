/**
 * `sync --every`: a sync at each tick, for hosts without a scheduler. Each run is a process of its own, so that it
 * begins with the configuration as it is then, leaves no memory behind, and may even crash.
 *
 * Ticks are counted from the start. A run that is still going at a tick has it passed over, so that no two overlap. A
 * signal ends the run in order, as it ends a single sync, and then this process; between runs it ends at once, with 0.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { createLogger, type CloseableLogger } from '../common/create-logger';
import { sleep } from '../common/retry';
import { loadSettings, type LoadSettingsInput } from '../config/load-settings';
import type { CommandIo } from './command';
import type { CommandLine } from './command-line';
import { parseDuration } from './duration';
import { EXIT } from './exit-codes';
import { RunEnding } from './run-end';
import { configurationPath } from '../config/configuration-file';
import { SUPERVISED, type StopMessage, type StopSignal } from './supervised';
import { formatDuration, formatTime } from './text-time';

export interface EveryContext {
  readonly io: CommandIo;
  /** The command line, without node and the program. */
  readonly argv: readonly string[];
  readonly program: string;
  readonly version: string;
  readonly source: Pick<NodeJS.Process, 'on' | 'off'>;
}

interface RunOutcome {
  readonly code: number;
  /** The signal that ended the process; null: it ended by itself. */
  readonly signal: NodeJS.Signals | null;
}

export async function runEvery(
  invocation: Extract<CommandLine, { kind: 'command' }>,
  context: EveryContext,
): Promise<number> {
  const seconds = parseDuration('every', invocation.switches['every'] ?? '');
  const stop = new Stop(context.source);
  const input = inputOf(invocation, context.io);
  const started = Date.now();
  try {
    for (let run = 1; ; run += 1) {
      const logger = openLog(input, invocation, context.io);
      const next = (): Date => nextTick(started, seconds, Date.now());
      logger.info(
        `Run ${run} starts; the next one at ${formatTime(next().toISOString())}, or later if this one takes longer`,
      );
      const began = Date.now();
      const outcome = await oneRun(context, stop);
      if (outcome.signal !== null && !stop.asked) await tellOfCrash(invocation, input, context, outcome, logger);
      const took = formatDuration((Date.now() - began) / 1000);
      // A mistake in the first configuration is one of the command, which nobody has seen working yet.
      const ends = stop.asked || (run === 1 && outcome.code === EXIT.usage);
      const then = ends ? 'there is no other one' : `the next one at ${formatTime(next().toISOString())}`;
      logger.info(`Run ${run} ended with exit code ${outcome.code} after ${took}; ${then}`);
      await logger.close();
      if (ends) return outcome.code;
      await sleep((next().getTime() - Date.now()) / 1000, stop.signal).catch(() => undefined);
      if (stop.asked) return EXIT.ok;
    }
  } finally {
    stop.dispose();
  }
}

/** The first tick after `now`; times in ms since 1970. */
export function nextTick(started: number, seconds: number, now: number): Date {
  const passed = Math.floor((now - started) / (seconds * 1000));
  return new Date(started + (passed + 1) * seconds * 1000);
}

/** The signals that this process has got, passed on to the run. */
class Stop {
  private readonly aborter = new AbortController();
  private readonly listeners = new Map<StopSignal, () => void>();
  private count = 0;
  private latest: StopSignal = 'SIGTERM';
  private running: ChildProcess | undefined;

  constructor(private readonly source: EveryContext['source']) {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      const listener = (): void => this.received(name);
      this.listeners.set(name, listener);
      source.on(name, listener);
    }
  }

  get asked(): boolean {
    return this.count > 0;
  }

  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  /** The run that is to hear of them, also of those that came before. */
  set child(child: ChildProcess | undefined) {
    this.running = child;
    if (this.asked) this.tell();
  }

  dispose(): void {
    for (const [name, listener] of this.listeners) this.source.off(name, listener);
  }

  private received(name: StopSignal): void {
    this.count += 1;
    this.latest = name;
    this.aborter.abort();
    this.tell();
  }

  private tell(): void {
    const message: StopMessage = { stop: this.latest, count: this.count };
    // A run that has just ended has no channel any more.
    if (this.running?.connected === true) this.running.send(message, () => undefined);
  }
}

function oneRun({ io, argv, program }: EveryContext, stop: Stop): Promise<RunOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, program, ...argv], {
      cwd: io.cwd,
      env: { ...io.env, [SUPERVISED]: '1' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    stop.child = child;
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      stop.child = undefined;
      resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), signal });
    });
  });
}

function inputOf(
  { configurationPath: path, flags }: Extract<CommandLine, { kind: 'command' }>,
  io: CommandIo,
): LoadSettingsInput {
  return { configurationPath: path, flags, env: io.env, cwd: io.cwd };
}

/** As the run itself logs; with `--json` standard output has documents only. */
function openLog(
  input: LoadSettingsInput,
  { switches }: Extract<CommandLine, { kind: 'command' }>,
  io: CommandIo,
): CloseableLogger {
  const stream = switches['json'] === 'true' ? io.stderr : io.stdout;
  const write = (line: string): void => void stream.write(line);
  try {
    const { logFormat: format, logLevel: level } = loadSettings({ ...input, groups: ['Output'] }).settings;
    return createLogger({ format, level, write });
  } catch {
    // The run says what is wrong.
    return createLogger({ format: 'text', level: 'info', write });
  }
}

/** A run that was killed could tell nobody. */
async function tellOfCrash(
  { name, configurationPath: path, switches }: Extract<CommandLine, { kind: 'command' }>,
  input: LoadSettingsInput,
  { io, version }: EveryContext,
  { code, signal }: RunOutcome,
  logger: CloseableLogger,
): Promise<void> {
  const error = new Error(`The process of the run was ended by ${signal ?? 'a signal'}; what was committed is kept.`);
  logger.severe(error.message);
  const identity = { command: name, configuration: configurationPath(path, io.env, io.cwd).path, version };
  const env = { ...io.env, [SUPERVISED]: '1' };
  const ending = new RunEnding({ identity, io: { ...io, env }, input, json: switches['json'] === 'true' });
  await ending.notStarted({ exitCode: code, error, crashed: true });
}
