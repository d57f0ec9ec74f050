import type { Command, CommandIo } from './command';
import { RESET_GROUPS, type CommandLine, type CommandName } from './command-line';
import { failureToLog, failureToTerminal } from './failure';
import { lazy } from './lazy';
import { createOutput } from './output';
import { watchSignals } from './signals';
import { loadSettings, type LoadedSettings } from '../config/load-settings';

const COMMANDS: Readonly<Record<CommandName, () => Command>> = {
  sync: () => lazy.sync().sync,
  plan: () => lazy.plan().plan,
  reset: () => lazy.reset().reset,
};

type Invocation = Extract<CommandLine, { kind: 'command' }>;

/** Loads the settings, runs the command, says what went wrong; resolves with the exit code. */
export async function runCommand(
  invocation: Invocation,
  io: CommandIo,
  signals: { readonly source: Pick<NodeJS.Process, 'on' | 'off'>; readonly forceExit: (code: number) => void },
): Promise<number> {
  let loaded: LoadedSettings;
  try {
    loaded = loadSettings({
      configurationPath: invocation.configurationPath,
      flags: invocation.flags,
      env: io.env,
      cwd: io.cwd,
      groups: invocation.name === 'reset' ? RESET_GROUPS : undefined,
    });
  } catch (error) {
    return failureToTerminal(error, io.stderr, { secrets: [], debug: false });
  }

  const { settings, secrets } = loaded;
  const output = createOutput(settings, secrets, io.stdout, io.env);
  const interruption = watchSignals({ ...signals, say: (text) => output.logger.warning(text) });
  const { signal } = interruption;
  let code: number;
  try {
    for (const warning of loaded.warnings) output.logger.warning(warning);
    const command = COMMANDS[invocation.name]();
    code = await command({ settings, output, io, signal, confirmed: invocation.confirmed });
  } catch (error) {
    if (settings.logFormat === 'json') {
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
