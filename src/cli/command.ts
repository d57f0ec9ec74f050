import type { Output } from './output';
import type { Settings } from '../config/settings';

/** What a terminal gives a command; process in real life. */
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
}

export interface CommandContext {
  readonly settings: Settings;
  readonly output: Output;
  readonly io: CommandIo;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** The user said --yes. */
  readonly confirmed: boolean;
}

/** Resolves with the exit code; rejects with what ended the whole command. */
export type Command = (context: CommandContext) => Promise<number>;
