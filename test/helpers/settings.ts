import { join } from 'node:path';
import { version } from '@duckdb/node-api';
import type { Settings } from '../../src/config/settings';
import { FLEET_DEFAULTS } from './fleet-defaults';
import type { TestDatabase } from './postgres';

/** What tests write into that do not care; a project of jest's says so. */
export const KIND = process.env['PGSLUICE_TEST_DESTINATION'] === 'ducklake' ? 'ducklake' : 'duckdb';
/** scripts/setup.sh puts them there. */
export const EXTENSIONS = join(__dirname, '../../.extensions', duckdbVersion());

/** The product's defaults for a test database, with warehouse and state in the database's folder. */
export function settingsFor(database: TestDatabase, overrides: Partial<Settings> = {}): Settings {
  return {
    driver: undefined,
    dsn: undefined,
    host: database.host,
    port: database.port,
    database: database.name,
    username: database.user,
    password: database.password,
    sslmode: undefined,
    sslrootcert: undefined,
    sslcert: undefined,
    sslkey: undefined,
    region: undefined,
    maxRetries: 5,
    // Retries must not slow the tests down.
    retrySleepSeconds: 0.05,
    debug: false,
    tableFilters: [],
    includeViews: false,
    columns: [],
    columnsUnlisted: 'read',
    columnsDenied: 'fail',
    hashKey: undefined,
    typeMode: 'exact',
    syncMode: 'auto',
    tableOptions: [],
    slotName: undefined,
    publicationName: 'pgsluice',
    reconcileEvery: undefined,
    verifyEverySeconds: undefined,
    verifyBudgetSeconds: 60,
    // Tests empty tables, so the guard is off here; it has tests of its own.
    maxDeletes: 100,
    metadataHistory: 'changes',
    fullResync: [],
    schemaDrift: 'evolve',
    timestampWindowSeconds: undefined,
    batchMode: 'adaptive',
    customBatchSize: undefined,
    customThreads: undefined,
    customQueueSize: undefined,
    statementTimeoutSeconds: 600,
    lockTimeoutSeconds: 60,
    stallTimeoutSeconds: 300,
    batchBytes: 8 * 1024 * 1024,
    connectionTimeoutHours: 3,
    snapshotMaxAgeSeconds: 3_600,
    transformations: undefined,
    destination: KIND,
    warehousePath: join(database.folder, 'warehouse.db'),
    lakeCatalog: join(database.folder, 'lake', 'catalog.ducklake'),
    lakeDataPath: undefined,
    lakeExtensions: EXTENSIONS,
    lakeRetentionHours: 168,
    publishPath: undefined,
    publishKeep: 2,
    statePath: join(database.folder, 'state.json'),
    destinationSchema: 'tester',
    naming: 'source',
    destinationTable: 'source_{schema}_{table}',
    logFormat: 'text',
    logLevel: 'info',
    reportPath: undefined,
    metricsPort: undefined,
    metricsHost: '127.0.0.1',
    onFailure: undefined,
    onSuccess: undefined,
    fleet: { ...FLEET_DEFAULTS, sources: join(database.folder, 'sources') },
    ...overrides,
  };
}

function duckdbVersion(): string {
  return version().replace(/^v/, '');
}
