/** Checks what every failure must look like to the user who caused it. */
import type { CliResult } from './cli';

/** The sentences that ended a command, without the program's name. */
export function complaints(result: CliResult): string[] {
  return result.stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^pgsluice: /, ''));
}

/** A stack trace, an object's dump, or an error that no translation knew. */
const RAW = /^\s+at .+[:(]\d+|node:internal|\[Error|Error: |\bundefined\b|\[object |UnhandledPromise/m;

/**
 * libpq writes one of these to standard error by itself, when the server ends a connection between the login and the first
 * statement: psqlODBC has not set its own receiver of notices then (see the test in e2e/postgres/connection-errors).
 */
export const LIBPQ_LINE =
  /^FATAL:  terminating connection due to (?:administrator command|unexpected postmaster exit)$/;

/** Fails unless the outcome is presentable: no stack trace, no secret, every line of the complaint ours. */
export function expectPresentable(result: CliResult, secrets: readonly string[]): void {
  const all = result.stdout + result.stderr;
  expect(all).not.toMatch(RAW);
  for (const secret of secrets) expect(all).not.toContain(secret);
  const lines = result.stderr.split('\n').filter((line) => line !== '' && !LIBPQ_LINE.test(line));
  for (const line of lines) expect(line).toMatch(/^pgsluice: /);
}
