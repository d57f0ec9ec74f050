/** What is done when a run has ended, however it did: the document of `--json`, and the hooks. Loaded by the commands that sync. */
import { RunSummaryRecorder, type RunEnd, type RunIdentity, type RunSummary } from '../app/run-summary';
import { callHook, type HookSettings } from '../app/hooks/hooks';
import { createLogger } from '../common/create-logger';
import { loadSettings, type LoadedSettings, type LoadSettingsInput } from '../config/load-settings';
import type { Settings } from '../config/settings';
import type { CommandIo } from './command';
import { printJson } from './json-document';
import { SUPERVISED } from './supervised';

export interface EndingContext {
  readonly identity: RunIdentity;
  readonly io: CommandIo;
  /** What the settings are read from. */
  readonly input: LoadSettingsInput;
  readonly json: boolean;
}

export interface EndedRun extends RunEnd {
  readonly settings: Settings;
  /** Values that no output may show. */
  readonly secrets: readonly string[];
  /** Ends what is still done. */
  readonly signal: AbortSignal;
}

export class RunEnding {
  readonly recorder: RunSummaryRecorder;

  constructor(private readonly context: EndingContext) {
    this.recorder = new RunSummaryRecorder(context.identity);
  }

  /** Settings and secrets of the run that has begun. */
  private begun: Pick<EndedRun, 'settings' | 'secrets'> | undefined;
  private told = false;

  begin(settings: Settings, secrets: readonly string[]): void {
    this.begun = { settings, secrets };
  }

  /** Nobody has caught the error: what can still be said is said, once. */
  async crashed(end: RunEnd): Promise<void> {
    if (this.told) return;
    if (this.begun === undefined) await this.notStarted(end);
    else await this.ended({ ...end, ...this.begun, signal: new AbortController().signal });
  }

  /** The configuration was not understood. Its hooks are called all the same, where they can be read. */
  async notStarted(end: RunEnd): Promise<void> {
    this.told = true;
    const { io, input } = this.context;
    const summary = this.recorder.summary(undefined, end);
    this.print(summary, []);
    const known = hooksAlone(input);
    if (known === undefined) return;
    await this.tell(summary, { ...known, signal: new AbortController().signal, output: io.stderr });
  }

  async ended(run: EndedRun): Promise<void> {
    this.told = true;
    const { io, json } = this.context;
    const summary = this.recorder.summary(run.settings, run);
    this.print(summary, run.secrets);
    await this.tell(summary, { ...run, output: json ? io.stderr : io.stdout });
  }

  private print(summary: RunSummary, secrets: readonly string[]): void {
    const { io, json } = this.context;
    // Each of several runs is a line of its own.
    if (json) printJson({ io, secrets }, summary, io.env[SUPERVISED] === undefined ? 2 : 0);
  }

  /** With a log of its own, since that of the run has said its last word. */
  private async tell(summary: RunSummary, { settings, secrets, signal, output }: Told): Promise<void> {
    if (settings.onFailure === undefined && settings.onSuccess === undefined) return;
    const { env } = this.context.io;
    const { logFormat: format, logLevel: level } = settings;
    const logger = createLogger({ format, level, secrets, write: (line) => void output.write(line) });
    await callHook(settings, summary, { logger, signal, env, secrets });
    await logger.close();
  }
}

interface Told extends Pick<EndedRun, 'secrets' | 'signal'> {
  readonly settings: HookSettings & Pick<Settings, 'logFormat' | 'logLevel'>;
  readonly output: NodeJS.WritableStream;
}

/** Hooks and the form of the log, from a configuration whose other options are wrong. */
function hooksAlone(input: LoadSettingsInput): LoadedSettings | undefined {
  try {
    return loadSettings({ ...input, groups: ['Hooks', 'Output'] });
  } catch {
    return undefined;
  }
}
