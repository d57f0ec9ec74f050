import { lazy } from './lazy';
import { wantsColour, wantsProgress, type TerminalStream } from './terminal';
import { createLogger } from '../common/create-logger';
import type { Logger } from '../common/logger';
import { createRedactor } from '../common/redact';
import type { Settings } from '../config/settings';
import type { SyncObserver } from '../model/report';

/** The one place that all output of a command goes through. */
export interface Output {
  readonly logger: Logger;
  readonly observer: SyncObserver;
  /** Lines of a result: plain for people, log lines where every line must be JSON. Ends the progress display. */
  print(lines: readonly string[]): void;
  /** Resolves when everything was passed to standard output; may be called twice. */
  close(): Promise<void>;
}

export function createOutput(
  settings: Pick<Settings, 'logFormat' | 'logLevel'>,
  secrets: readonly string[],
  stdout: TerminalStream,
  env: Readonly<Record<string, string | undefined>>,
  forPlatform = false,
): Output {
  const progress = wantsProgress(stdout, settings.logFormat, env)
    ? new (lazy.progress().ProgressDisplay)({ stream: stdout, colour: wantsColour(env) })
    : undefined;
  const write = (text: string): void => {
    if (progress === undefined) stdout.write(text);
    else progress.write(text);
  };
  const logger = createLogger({ format: settings.logFormat, level: settings.logLevel, secrets, write, forPlatform });
  const redact = createRedactor(secrets);
  return {
    logger,
    observer: progress ?? {},
    print: (lines) => {
      progress?.stop();
      for (const line of lines) {
        if (settings.logFormat === 'text') write(`${redact(line)}\n`);
        else if (line !== '') logger.info(line);
      }
    },
    close: async () => {
      await logger.close();
      progress?.stop();
    },
  };
}
