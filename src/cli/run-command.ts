import type { Command, CommandContext, CommandIo } from './command';
import { declarationOf, type CommandName } from './command-declarations';
import { loadedGroups } from './command-groups';
import type { CommandLine } from './command-line';
import { failureToLog, failureToTerminal } from './failure';
import { lazyCommands } from './lazy-commands';
import { createOutput, type Output } from './output';
import { watchSignals, type Stopped } from './signals';
import type { RunEnd } from '../app/run-summary';
import type { TerminalStream } from './terminal';
import { dataSourceSecrets } from '../app/data-source-secrets';
import { placeOfRows } from '../app/place-of-rows';
import { ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { configurationPath } from '../config/configuration-file';
import type { Settings } from '../config/settings';
import { loadSettings, type LoadedSettings, type LoadSettingsInput } from '../config/load-settings';
import { existsSync } from 'node:fs';

const COMMANDS: Readonly<Record<CommandName, () => Command>> = {
  sync: () => lazyCommands.sync().sync,
  reconcile: () => lazyCommands.sync().reconcile,
  verify: () => lazyCommands.verify().verify,
  plan: () => lazyCommands.plan().plan,
  check: () => lazyCommands.check().check,
  status: () => lazyCommands.status().status,
  query: () => lazyCommands.query().query,
  tables: () => lazyCommands.tables().tables,
  monitor: () => lazyCommands.monitor().monitor,
  init: () => lazyCommands.init().init,
  reset: () => lazyCommands.reset().reset,
  forget: () => lazyCommands.forget().forget,
  log: () => lazyCommands.log().log,
  maintain: () => lazyCommands.maintain().maintain,
  fleet: () => lazyCommands.fleet().fleet,
  serve: () => lazyCommands.serve().serve,
  completion: () => lazyCommands.completion().completion,
};

/** These run with a configuration that is wrong or missing: check reports that among the rest, init writes one. */
const WITHOUT_CONFIGURATION: ReadonlySet<CommandName> = new Set(['check', 'init']);

/** These report first which files they use, because a relative path may have been meant from elsewhere. */
const SYNCING: ReadonlySet<CommandName> = new Set(['sync', 'reconcile']);

function stoppedBy(name: CommandName): Stopped {
  if (name === 'monitor') return 'display';
  if (name === 'fleet') return 'worker';
  return SYNCING.has(name) || name === 'serve' ? 'sync' : 'look';
}

/** After its time to drain, a worker breaks its jobs off and hands them back. */
const HANDING_BACK_MS = 15_000;

function drainMs({ fleet }: Settings): number {
  return fleet.drainSeconds * 1000 + HANDING_BACK_MS;
}

type Invocation = Extract<CommandLine, { kind: 'command' }>;

/** Loads the settings, runs the command and reports errors; resolves with the exit code. */
export async function runCommand(
  invocation: Invocation,
  io: CommandIo,
  signals: {
    readonly source: Pick<NodeJS.Process, 'on' | 'off'>;
    readonly forceExit: (code: number) => void;
    /** Version of pgsluice. */
    readonly version?: string;
    /** Called where every line of standard output must be JSON. */
    readonly useLog?: (logger: Logger) => void;
    /** Called with what tells of an error that nobody catches. */
    readonly useCrash?: (crashed: (end: RunEnd) => Promise<void>) => void;
  },
): Promise<number> {
  const input = settingsInput(invocation, io);
  const { path } = configurationPath(invocation.configurationPath, io.env, io.cwd);
  const json = invocation.switches['json'] === 'true';
  const version = signals.version ?? '';
  const identity = { command: invocation.name, configuration: path, version };
  const ending = SYNCING.has(invocation.name)
    ? new (lazyCommands.runEnd().RunEnding)({ identity, io, input, json })
    : undefined;
  if (ending !== undefined) signals.useCrash?.((end) => ending.crashed(end));
  let start: Start;
  try {
    start = loadFor(invocation.name, input);
  } catch (error) {
    const exitCode = failureToTerminal(error, io.stderr, { secrets: [], debug: false });
    await ending?.notStarted({ exitCode, error });
    return exitCode;
  }

  const { loaded, configurationError } = start;
  const { settings } = loaded;
  const secrets = [...loaded.secrets, ...dataSourceSecrets(settings)];
  ending?.begin(settings, secrets);
  const output = outputFor(invocation, io, settings, secrets);
  if (settings.logFormat === 'json') signals.useLog?.(output.logger);
  const interruption = watchSignals({
    source: signals.source,
    stops: stoppedBy(invocation.name),
    ...(invocation.name === 'fleet' ? { graceMs: drainMs(settings) } : {}),
    say: (text) => output.logger.warning(text),
    forceExit: (code) => {
      sayStopped(io);
      signals.forceExit(code);
    },
  });
  const { signal } = interruption;
  let code: number;
  let failure: { readonly error: unknown } | undefined;
  try {
    if (SYNCING.has(invocation.name)) output.logger.info(filesInUse(path, loaded));
    if (invocation.name !== 'check') for (const warning of loaded.warnings) output.logger.warning(warning);
    const command = COMMANDS[invocation.name]();
    code = await command({
      settings,
      output,
      io,
      signal,
      switches: invocation.switches,
      flags: invocation.flags,
      ...(configurationError === undefined ? {} : { configurationError }),
      configurationPath: path,
      configurationWarnings: loaded.warnings,
      secrets,
      ...(loaded.passwordFrom === undefined ? {} : { passwordFrom: loaded.passwordFrom }),
      ...(ending === undefined ? {} : { summary: ending.recorder }),
      version,
    });
  } catch (error) {
    failure = { error };
    code = await sayWhy(error, { settings, output, io, secrets });
  }
  await output.close();
  const exitCode = interruption.exitCode() ?? code;
  await ending?.ended({ ...failure, exitCode, settings, secrets, signal });
  interruption.dispose();
  return exitCode;
}

async function sayWhy(
  error: unknown,
  { settings, output, io, secrets }: Pick<CommandContext, 'settings' | 'output' | 'io' | 'secrets'>,
): Promise<number> {
  if (settings.logFormat === 'json' && io.outputLost?.aborted !== true) return failureToLog(error, output.logger);
  // First the log lines, then the reason for the end.
  await output.close();
  return failureToTerminal(error, io.stderr, { secrets, debug: settings.debug });
}

/** The cursor may stand within a bar. */
function sayStopped({ stdout, stderr }: CommandIo): void {
  stderr.write(`${stdout.isTTY === true ? '\n' : ''}pgsluice: Stopped at once; what was committed is kept.\n`);
}

function outputFor(
  { name, switches }: Invocation,
  io: CommandIo,
  settings: Settings,
  secrets: readonly string[],
): Output {
  const { stdout, stderr, env } = io;
  let stream: TerminalStream = stdout;
  // Who asked for one document gets nothing else on standard output; bars are for those who look on.
  if (switches['json'] === 'true' || switches['csv'] === 'true') stream = { write: (text) => stderr.write(text) };
  else if (switches['quiet'] === 'true') stream = { write: (text) => stdout.write(text) };
  // The platform reads the log of the service.
  return createOutput(settings, secrets, stream, env, name === 'serve');
}

interface Start {
  readonly loaded: LoadedSettings;
  readonly configurationError?: ConnectorError;
}

function loadFor(name: CommandName, input: LoadSettingsInput): Start {
  try {
    return { loaded: loadSettings(input) };
  } catch (error) {
    if (!WITHOUT_CONFIGURATION.has(name) || !(error instanceof ConnectorError)) throw error;
    return { loaded: { ...withoutConfiguration(input), warnings: [] }, configurationError: error };
  }
}

function settingsInput({ name, configurationPath, flags, switches }: Invocation, io: CommandIo): LoadSettingsInput {
  const command = declarationOf(name);
  return {
    configurationPath,
    flags: { ...command.presets, ...flags },
    env: io.env,
    cwd: io.cwd,
    groups: loadedGroups(command, switches),
  };
}

function filesInUse(path: string, { settings, passwordFrom }: LoadedSettings): string {
  const place = placeOfRows(settings);
  const kept = place === undefined ? 'no warehouse' : `warehouse ${place}, state ${settings.statePath}`;
  const password =
    passwordFrom === undefined ? '' : `, password from ${passwordFrom === path ? 'there' : passwordFrom}`;
  return `${existsSync(path) ? `Configuration ${path}` : 'No configuration file'}, ${kept}${password}`;
}

/** The user's wishes for the output, as far as they can be read; defaults for the rest. */
function withoutConfiguration(input: LoadSettingsInput): LoadedSettings {
  for (const attempt of [
    { ...input, groups: ['Output'] as const },
    { ...input, groups: ['Output'] as const, withoutFile: true as const },
  ]) {
    try {
      return loadSettings(attempt);
    } catch {
      // The next attempt reads less.
    }
  }
  return loadSettings({ flags: {}, env: {}, cwd: input.cwd, groups: [], withoutFile: true });
}
