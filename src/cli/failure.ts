import { asConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { createRedactor } from '../common/redact';
import { exitCodeOfError } from './exit-codes';
import { inspect } from 'node:util';

export interface FailureOptions {
  readonly secrets: readonly string[];
  /** Whether to print the stack trace. */
  readonly debug: boolean;
}

/** Reports on standard error why a command ended, one sentence per line; returns the exit code. */
export function failureToTerminal(error: unknown, stderr: NodeJS.WritableStream, options: FailureOptions): number {
  const translated = asConnectorError(error);
  const redact = createRedactor(options.secrets);
  const text = redact(translated.describe());
  for (const line of text.split('\n')) stderr.write(`pgsluice: ${line}\n`);
  if (options.debug) stderr.write(`${redact(inspect(error))}\n`);
  else if (translated.kind === 'internal') stderr.write('pgsluice: This was not expected; --debug shows more.\n');
  return exitCodeOfError(translated);
}

/** The same as log lines, for programs that read nothing else. */
export function failureToLog(error: unknown, logger: Logger): number {
  const translated = asConnectorError(error);
  logger.severe(translated.describe());
  logger.debug(inspect(error));
  return exitCodeOfError(translated);
}
