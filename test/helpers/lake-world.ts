/** Lakes for tests: where they are, and readers of their own. */
import { join } from 'node:path';
import type { Settings } from '../../src/config/settings';
import { connectionString, type ServerCoordinates, type TestDatabase } from './postgres';
import { openLakeAt, type WarehouseReader } from './warehouse-access';

/** Settings of a lake beside the database's folder. */
export function inLake(database: TestDatabase, more: Partial<Settings> = {}): Partial<Settings> {
  return {
    destination: 'ducklake',
    lakeCatalog: join(database.folder, 'lake', 'catalog.ducklake'),
    syncMode: 'auto',
    ...more,
  };
}

/** A lake whose catalog the same server keeps, in the test's own database. */
export function onServer(database: TestDatabase, more: Partial<Settings> = {}): Partial<Settings> {
  return inLake(database, {
    lakeCatalog: connectionString(database, database.name),
    lakeDataPath: join(database.folder, 'lake-data'),
    // The catalog's own tables are in the database that is synced.
    tableFilters: ['!ducklake_*'],
    ...more,
  });
}

export function openEmbedded(database: TestDatabase): Promise<WarehouseReader> {
  return openLakeAt(join(database.folder, 'lake', 'catalog.ducklake'));
}

export function openOnServer(
  database: ServerCoordinates & { readonly name: string },
  options: { readonly write?: true } = {},
): Promise<WarehouseReader> {
  const catalog = connectionString(database, database.name).replaceAll("'", "''");
  return openLakeAt(`postgres:${catalog}`, { extensions: ['postgres_scanner'], ...options });
}
