import type { Config } from 'jest';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../scripts/demo/postgres-server';
import type { PostgresServer } from '../../scripts/demo/postgres-server';
import { TEST_SERVER_VARIABLE, TEST_VERSION_VARIABLE } from './test-server-variable';

declare global {
  var pgsluiceTestServer: PostgresServer | undefined;
  var pgsluiceOdbcFolder: string | undefined;
}

interface GlobalConfig {
  /** The words of the command line that choose tests. */
  readonly testPathPatterns: { readonly patterns: readonly string[] };
}

/** Unit tests need no server, and should not wait for one. */
function onlyUnitTests({ testPathPatterns: { patterns } }: GlobalConfig): boolean {
  return (
    patterns.length > 0 &&
    patterns
      .flatMap((pattern) => pattern.split('|'))
      .every((pattern) => /(^|[\\/])(unit|native)([\\/]|$)/.test(pattern))
  );
}

/**
 * Debian registers psqlODBC with a log of every process in /tmp. The tests and their child processes use a copy of the
 * registration without it. A registration that a developer has set is left alone.
 */
function silenceDrivers(): void {
  if (process.env['ODBCSYSINI'] !== undefined || process.env['ODBCINSTINI'] !== undefined) return;
  let registered: string;
  try {
    registered = readFileSync('/etc/odbcinst.ini', 'utf8');
  } catch {
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'pgsluice-odbc-'));
  writeFileSync(join(folder, 'odbcinst.ini'), registered.replace(/^(\s*(?:CommLog|Debug)\s*=).*$/gim, '$10'));
  process.env['ODBCSYSINI'] = folder;
  globalThis.pgsluiceOdbcFolder = folder;
}

/** Starts the server that all test files share; its coordinates travel to jest's workers by the environment. */
export default async function setUp(config: GlobalConfig & Config): Promise<void> {
  silenceDrivers();
  if (onlyUnitTests(config)) return;
  const version = process.env[TEST_VERSION_VARIABLE];
  const server = await startPostgres(version === undefined ? {} : { version });
  const { host, port, user, password } = server;
  process.env[TEST_SERVER_VARIABLE] = JSON.stringify({ host, port, user, password });
  globalThis.pgsluiceTestServer = server;
}
