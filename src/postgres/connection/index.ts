/**
 * Talks to PostgreSQL through ODBC: connections, sessions, statements that can be given up, and what the driver and the
 * server say in their errors. It alone knows the odbc package and its traps. The other rooms of postgres may come in,
 * and engine and app through them or directly. Start at session.ts for a statement, connection-manager.ts for connections,
 * odbc-error.ts for errors.
 */
export { ConnectionManager } from './connection-manager';
export { buildConnectionString } from './connection-string';
export { readDataSource } from './data-source';
export { libpqOf, rootCertificateProblem } from './libpq';
export { waitForLocks, waitForNoLock } from './lock-patience';
export { chooseDriver, loadOdbc, type OdbcRow } from './odbc-driver';
export { isTooLarge } from './odbc-error';
export { describeDriver, describeDriverManager } from './odbc-setup';
export type { OptionalObject } from './optional-facts';
export type { RepeatedStatement } from './repeated-statements';
export { serverAddress } from './server-answer';
export { POOLER_HINT, SETTINGS_SEEN, checkSettings } from './session-settings';
export { monotonicClock, type Clock, type Session, type SessionOptions } from './session';
export { quoteIdentifier, quoteLiteral, quoteQualified, quoteRows } from './sql';
export { passwordsIn } from './data-source-secrets';
