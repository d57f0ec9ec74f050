/**
 * Logs one request: on the service's standard output, with the request's own secrets masked, and marked with its
 * number.
 */
import { createLogger, type CloseableLogger } from '../common/create-logger';
import type { LogLevel } from '../common/logger';

export interface RequestLogOptions {
  /** `update 3`: two requests that run at once write into the same log. */
  readonly name: string;
  readonly level: LogLevel;
  readonly secrets: readonly string[];
  readonly write: (line: string) => void;
}

export function createRequestLogger(options: RequestLogOptions): CloseableLogger {
  const logger = createLogger({
    format: 'json',
    forPlatform: true,
    level: options.level,
    secrets: options.secrets,
    write: options.write,
  });
  const named = (message: string): string => `[${options.name}] ${message}`;
  return {
    debug: (message) => logger.debug(named(message)),
    info: (message) => logger.info(named(message)),
    warning: (message) => logger.warning(named(message)),
    severe: (message) => logger.severe(named(message)),
    close: () => logger.close(),
  };
}
