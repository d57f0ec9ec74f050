import { createRedactor } from '../common/redact';
import type { Logger } from '../common/logger';

/** Lines of a job: they name the source, and hold none of its secrets. */
export function loggerOf(source: string, secrets: readonly string[], logger: Logger): Logger {
  const redact = createRedactor(secrets);
  const line = (message: string): string => redact(`[${source}] ${message}`);
  return {
    debug: (message, fields) => logger.debug(line(message), { ...fields, source }),
    // A worker has the lines of many syncs; what a job came to is logged by the worker itself.
    info: (message, fields) => logger.debug(line(message), { ...fields, source }),
    warning: (message, fields) => logger.warning(line(message), { ...fields, source }),
    severe: (message, fields) => logger.severe(line(message), { ...fields, source }),
  };
}
