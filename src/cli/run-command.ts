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

/** These run with a configuration that is wrong or missing: check reports that among the rest, init writes one. */
const WITHOUT_CONFIGURATION: ReadonlySet<CommandName> = new Set(['check', 'init']);

/** These report first which files they use, because a relative path may have been meant from elsewhere. */
const SYNCING: ReadonlySet<CommandName> = new Set(['sync', 'reconcile']);

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
  // With --json, standard output has the one JSON document and nothing else.
  const json = invocation.switches['json'] === 'true';
  const output = createOutput(settings, secrets, json ? { write: (text) => io.stderr.write(text) } : io.stdout, io.env);
  if (settings.logFormat === 'json') signals.useLog?.(output.logger);
  const interruption = watchSignals({
    source: signals.source,
    say: (text) => output.logger.warning(text),
    forceExit: (code) => {
      // The cursor may stand within a bar.
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
      // First the log lines, then the reason for the end.
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
