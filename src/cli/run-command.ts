import type { Command, CommandIo } from './command';
import { declarationOf, type CommandName } from './command-declarations';
import type { CommandLine } from './command-line';
import { failureToLog, failureToTerminal } from './failure';
import { lazyCommands } from './lazy-commands';
import { createOutput } from './output';
import { watchSignals } from './signals';
import { dataSourceSecrets } from '../app/data-source-secrets';
import { placeOfRows } from '../app/place-of-rows';
import { ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import { configurationPath } from '../config/configuration-file';
import { loadSettings, type LoadedSettings, type LoadSettingsInput } from '../config/load-settings';
import { existsSync } from 'node:fs';

const COMMANDS: Readonly<Record<CommandName, () => Command>> = {
  sync: () => lazyCommands.sync().sync,
  reconcile: () => lazyCommands.sync().reconcile,
  verify: () => lazyCommands.verify().verify,
  plan: () => lazyCommands.plan().plan,
  check: () => lazyCommands.check().check,
  status: () => lazyCommands.status().status,
  monitor: () => lazyCommands.monitor().monitor,
  init: () => lazyCommands.init().init,
  reset: () => lazyCommands.reset().reset,
  forget: () => lazyCommands.forget().forget,
  maintain: () => lazyCommands.maintain().maintain,
  serve: () => lazyCommands.serve().serve,
  completion: () => lazyCommands.completion().completion,
};

/** They run with a configuration that is wrong or not there yet: the one says so among the rest, the other writes it. */
const WITHOUT_CONFIGURATION: ReadonlySet<CommandName> = new Set(['check', 'init']);

/** They say first which files they use: a relative path may have been meant from elsewhere. */
const SYNCING: ReadonlySet<CommandName> = new Set(['sync', 'reconcile']);

type Invocation = Extract<CommandLine, { kind: 'command' }>;

/** Loads the settings, runs the command, says what went wrong; resolves with the exit code. */
export async function runCommand(
  invocation: Invocation,
  io: CommandIo,
  signals: {
    readonly source: Pick<NodeJS.Process, 'on' | 'off'>;
    readonly forceExit: (code: number) => void;
    /** Of pgsluice. */
    readonly version?: string;
    /** Called where every line of standard output must be JSON. */
    readonly useLog?: (logger: Logger) => void;
  },
): Promise<number> {
  let loaded: LoadedSettings;
  let configurationError: ConnectorError | undefined;
  const input = settingsInput(invocation, io);
  try {
    loaded = loadSettings(input);
  } catch (error) {
    if (!WITHOUT_CONFIGURATION.has(invocation.name) || !(error instanceof ConnectorError))
      return failureToTerminal(error, io.stderr, { secrets: [], debug: false });
    configurationError = error;
    loaded = { ...withoutConfiguration(input), warnings: [] };
  }

  const { settings } = loaded;
  const secrets = [...loaded.secrets, ...dataSourceSecrets(settings)];
  // Who asked for one JSON document gets nothing else on standard output.
  const json = invocation.switches['json'] === 'true';
  const output = createOutput(settings, secrets, json ? { write: (text) => io.stderr.write(text) } : io.stdout, io.env);
  if (settings.logFormat === 'json') signals.useLog?.(output.logger);
  const interruption = watchSignals({
    source: signals.source,
    say: (text) => output.logger.warning(text),
    forceExit: (code) => {
      // The cursor may stand in the middle of a bar.
      io.stderr.write(
        `${io.stdout.isTTY === true ? '\n' : ''}pgsluice: Stopped at once; what was committed is kept.\n`,
      );
      signals.forceExit(code);
    },
  });
  const { signal } = interruption;
  let code: number;
  const path = configurationPath(invocation.configurationPath, io.env, io.cwd).path;
  try {
    if (SYNCING.has(invocation.name)) output.logger.info(filesInUse(path, settings));
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
      version: signals.version ?? '',
    });
  } catch (error) {
    if (settings.logFormat === 'json' && io.outputLost?.aborted !== true) {
      code = failureToLog(error, output.logger);
    } else {
      // First what was logged, then why it ended.
      await output.close();
      code = failureToTerminal(error, io.stderr, { secrets, debug: settings.debug });
    }
  } finally {
    await output.close();
    interruption.dispose();
  }
  return interruption.exitCode() ?? code;
}

function settingsInput(
  { name, configurationPath, flags }: Invocation,
  io: CommandIo,
): Parameters<typeof loadSettings>[0] {
  const { presets, groups } = declarationOf(name);
  return { configurationPath, flags: { ...presets, ...flags }, env: io.env, cwd: io.cwd, groups };
}

function filesInUse(path: string, settings: Settings): string {
  const place = placeOfRows(settings);
  const kept = place === undefined ? 'no warehouse' : `warehouse ${place}, state ${settings.statePath}`;
  return `${existsSync(path) ? `Configuration ${path}` : 'No configuration file'}, ${kept}`;
}

/** How output is wished for, as far as that can be told; defaults for the rest. */
function withoutConfiguration(input: LoadSettingsInput): LoadedSettings {
  for (const attempt of [
    { ...input, groups: ['Output'] as const },
    { ...input, groups: ['Output'] as const, withoutFile: true as const },
  ]) {
    try {
      return loadSettings(attempt);
    } catch {
      // The next one asks for less.
    }
  }
  return loadSettings({ flags: {}, env: {}, cwd: input.cwd, groups: [], withoutFile: true });
}
