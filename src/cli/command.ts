import type { Output } from './output';
import type { RunSummaryRecorder } from '../app/run-summary';
import type { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';

/** The terminal of a command; process in production. */
export interface CommandIo {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean | undefined;
    readonly columns?: number | undefined;
    readonly rows?: number | undefined;
  };
  readonly stderr: NodeJS.WritableStream;
  /** Aborts when standard output can no longer be written; later output is discarded. */
  readonly outputLost?: AbortSignal;
}

export interface CommandContext {
  readonly settings: Settings;
  readonly output: Output;
  readonly io: CommandIo;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Texts of the command's own switches, by flag; 'true' for a bare one. */
  readonly switches: Readonly<Record<string, string>>;
  /** Texts of the flags that stand for configuration keys, not yet checked. */
  readonly flags: Readonly<Record<string, string>>;
  /** The error of the configuration, for the commands that run nevertheless (check, init). */
  readonly configurationError?: ConnectorError;
  readonly configurationPath: string;
  /** Oddities of the configuration. They are logged already, except for check, which shows them itself. */
  readonly configurationWarnings: readonly string[];
  /** Where the password comes from, for people. */
  readonly passwordFrom?: string;
  /** Values that no output may show. */
  readonly secrets: readonly string[];
  /** Gathers what commands that sync say at the end. */
  readonly summary?: RunSummaryRecorder;
  /** The version of pgsluice itself. */
  readonly version: string;
}

/** Resolves with the exit code; rejects with the error that ended the whole command. */
export type Command = (context: CommandContext) => Promise<number>;
