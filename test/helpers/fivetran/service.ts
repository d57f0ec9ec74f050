import { runSync } from '../../../src/app/sync-run';
import type { Logger } from '../../../src/common/logger';
import { startServer, type FivetranServer } from '../../../src/fivetran/server';
import { ReferenceClient } from '../../../src/fivetran/reference-client/client';
import type { TestDatabase } from '../postgres';
import { settingsFor } from '../settings';

export interface TestService {
  readonly address: string;
  readonly port: number;
  readonly client: ReferenceClient;
  /** Everything logged so far. */
  readonly lines: string[];
  /** Ends the service as SIGTERM does. */
  stop(): Promise<void>;
}

/** The service in this process, on a free port. */
export async function startService(overrides: { readonly warehousePath?: string } = {}): Promise<TestService> {
  const lines: string[] = [];
  const stopping = new AbortController();
  const server: FivetranServer = await startServer(
    { host: '127.0.0.1', port: 0 },
    {
      service: { transformations: undefined, logLevel: 'info', warehousePath: overrides.warehousePath ?? '/tmp' },
      cwd: '/tmp',
      write: (line) => lines.push(line),
      signal: stopping.signal,
    },
  );
  const { address } = server;
  const client = new ReferenceClient(address);
  return {
    address,
    port: server.port,
    client,
    lines,
    async stop() {
      stopping.abort();
      client.close();
      await server.close();
    },
  };
}

/** The configuration that a user would fill into the form for a test database. */
export function configurationFor(
  database: TestDatabase,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    host: database.host,
    port: String(database.port),
    database: database.name,
    username: database.user,
    password: database.password,
    retry_sleep_seconds: '0.05',
    ...more,
  };
}

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  severe: () => undefined,
};

/** The command line's sync, into the database's own warehouse. */
export async function syncToWarehouse(
  database: TestDatabase,
  overrides: Parameters<typeof settingsFor>[1] = {},
): Promise<string> {
  const settings = settingsFor(database, overrides);
  const report = await runSync(settings, { logger: silent, signal: new AbortController().signal, observer: {} });
  const failed = report.tables.filter((table) => table.error !== undefined);
  if (failed.length > 0) throw new Error(failed.map(({ key, error }) => `${key}: ${error?.message}`).join('\n'));
  return settings.warehousePath;
}
