/** Makes a connection manager from settings: driver, connection string, limits. */
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import {
  buildConnectionString,
  readDataSource,
  ConnectionManager,
  libpqOf,
  rootCertificateProblem,
  chooseDriver,
  serverAddress,
  type Clock,
  type SessionOptions,
} from '../postgres/connection';
const CONNECT_TIMEOUT_SECONDS = 15;

export function openSource(
  settings: Settings,
  logger: Logger,
  maxConnections: number,
  clock?: Clock,
  onStatement?: SessionOptions['onStatement'],
): ConnectionManager {
  const driver = settings.dsn === undefined ? chooseDriver(settings.driver) : undefined;
  const problem =
    driver === undefined ? undefined : rootCertificateProblem(settings.sslrootcert, () => libpqOf(driver));
  if (problem !== undefined) throw problem;
  const target = { ...settings, connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS };
  const source = settings.dsn === undefined ? undefined : readDataSource(settings.dsn);
  return new ConnectionManager({
    session: {
      connectionString: buildConnectionString(driver, target, source),
      connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS,
      server: settings.dsn === undefined ? serverAddress(settings.host, settings.port) : undefined,
      statementTimeoutSeconds: settings.statementTimeoutSeconds,
      lockTimeoutSeconds: settings.lockTimeoutSeconds,
      stallTimeoutSeconds: settings.stallTimeoutSeconds,
      ...(settings.hashKey === undefined ? {} : { secretSettings: settings.hashKey.settings }),
      ...(onStatement === undefined ? {} : { onStatement }),
    },
    maxConnections,
    expiryMs: settings.connectionTimeoutHours * 3_600_000,
    logger,
    ...(clock === undefined ? {} : { clock }),
  });
}
