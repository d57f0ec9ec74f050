/** What is done when a run has ended, however it did: the document of `--json`. Loaded by the commands that sync. */
import { RunSummaryRecorder, type RunEnd, type RunIdentity, type RunSummary } from '../app/run-summary';
import type { LoadSettingsInput } from '../config/load-settings';
import type { Settings } from '../config/settings';
import type { CommandIo } from './command';
import { printJson } from './json-document';

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

  /** The configuration was not understood. */
  notStarted(end: RunEnd): Promise<void> {
    this.print(this.recorder.summary(undefined, end), []);
    return Promise.resolve();
  }

  ended(run: EndedRun): Promise<void> {
    this.print(this.recorder.summary(run.settings, run), run.secrets);
    return Promise.resolve();
  }

  private print(summary: RunSummary, secrets: readonly string[]): void {
    if (this.context.json) printJson({ io: this.context.io, secrets }, summary);
  }
}
