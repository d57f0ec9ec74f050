import type { Config } from 'jest';
import { startPostgres } from '../../scripts/demo/postgres-server';
import type { PostgresServer } from '../../scripts/demo/postgres-server';
import { silenceDriver } from '../../scripts/silent-driver';
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

/** Starts the server that all test files share; its coordinates travel to jest's workers by the environment. */
export default async function setUp(config: GlobalConfig & Config): Promise<void> {
  globalThis.pgsluiceOdbcFolder = silenceDriver();
  if (onlyUnitTests(config)) return;
  const version = process.env[TEST_VERSION_VARIABLE];
  const server = await startPostgres(version === undefined ? {} : { version });
  const { host, port, user, password } = server;
  process.env[TEST_SERVER_VARIABLE] = JSON.stringify({ host, port, user, password });
  globalThis.pgsluiceTestServer = server;
}
