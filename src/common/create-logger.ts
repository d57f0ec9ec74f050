import type { LogFields, LogLevel, Logger } from './logger';
import { createRedactor } from './redact';
import { Writable } from 'node:stream';
import { createLogger as createWinston, format, transports } from 'winston';

export type LogFormat = 'text' | 'json';

export interface LoggerOptions {
  readonly format: LogFormat;
  /** The lowest level that is written. */
  readonly level: LogLevel;
  /** Masked in every message, whatever its level. */
  readonly secrets?: readonly string[];
  /**
   * Takes each line with its newline. Without it lines go to standard output, as the platform expects. A progress
   * display passes its own, to put lines above the bars.
   */
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
  /** JSON has what Fivetran's platform reads, and nothing else. */
  readonly forPlatform?: boolean;
}

export interface CloseableLogger extends Logger {
  /** Resolves when every line was handed to `write`. May be called twice. */
  close(): Promise<void>;
}

const LEVELS: Readonly<Record<LogLevel, number>> = { severe: 0, warning: 1, info: 2, debug: 3 };
// The platform knows three levels.
const PLATFORM_LEVELS: Readonly<Record<string, string>> = { severe: 'SEVERE', warning: 'WARNING' };

/** A logger for people (text) or for the platform (JSON, one object a line). */
export function createLogger(options: LoggerOptions): CloseableLogger {
  const redact = createRedactor(options.secrets ?? []);
  const write = options.write ?? ((line: string): void => void process.stdout.write(line));
  const now = options.now ?? ((): Date => new Date());

  const render = format.printf(({ level, message, fields }) => {
    const text = redact(String(message));
    if (options.format === 'text') return `${now().toISOString()} ${level.toUpperCase()} ${printable(text)}`;
    const line = { level: PLATFORM_LEVELS[level] ?? 'INFO', message: text, 'message-origin': 'sdk_connector' };
    if (options.forPlatform === true) return JSON.stringify(line);
    // The line's own words come last: no field may take their place.
    return JSON.stringify({
      timestamp: now().toISOString(),
      ...masked(fields as LogFields | undefined, redact),
      ...line,
    });
  });
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      write(String(chunk));
      done();
    },
  });
  const transport = new transports.Stream({ stream, eol: '\n' });
  const winston = createWinston({
    levels: { ...LEVELS },
    level: options.level,
    format: render,
    transports: [transport],
  });

  let closed: Promise<void> | undefined;
  const log = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    // A write after close would be an error of the stream, and the last words of a dying run are not worth one.
    if (closed === undefined) winston.log({ level, message, fields });
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warning: (message, fields) => log('warning', message, fields),
    severe: (message, fields) => log('severe', message, fields),
    close: () => {
      closed ??= new Promise((resolve) => {
        transport.once('finish', () => stream.end(resolve));
        winston.end();
      });
      return closed;
    },
  };
}

function masked(fields: LogFields = {}, redact: (text: string) => string): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]),
  );
}

/** Removes escape sequences, which a terminal would obey: a table's name may hold one. JSON escapes them by itself. */
function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '\ufffd');
}
