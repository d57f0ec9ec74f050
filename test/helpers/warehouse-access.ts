/** The warehouse through a connection of its own: the file, or the lake, whichever the tests are run with. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { TestDatabase } from './postgres';
import { EXTENSIONS, KIND } from './settings';

/** Opened when the sync has let go of it. */
export interface WarehouseReader {
  rows(sql: string): Promise<unknown[][]>;
  close(): void;
}

type Place = Pick<TestDatabase, 'folder'>;

export async function openWarehouse(path: string): Promise<WarehouseReader> {
  return await readerOf(await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' }));
}

/** `catalog`: as DuckLake's ATTACH takes it. */
export async function openLakeAt(
  catalog: string,
  options: {
    readonly write?: true;
    readonly extensions?: readonly string[];
    /** Run before the lake is attached. */
    readonly before?: string;
    /** The data path of a lake that is made here. */
    readonly dataPath?: string;
  } = {},
): Promise<WarehouseReader> {
  const lake = await openDuckDB(['ducklake', ...(options.extensions ?? [])]);
  if (options.before !== undefined) await lake.rows(options.before);
  await lake.rows(`ATTACH 'ducklake:${catalog}' AS lake ${attached(options)}`);
  await lake.rows('USE lake');
  return lake;
}

/** A DuckDB without a file. */
export async function openDuckDB(extensions: readonly string[]): Promise<WarehouseReader> {
  const reader = await readerOf(await DuckDBInstance.create(':memory:'));
  for (const name of extensions) await reader.rows(`LOAD '${join(EXTENSIONS, `${name}.duckdb_extension`)}'`);
  return reader;
}

function attached({ write, dataPath }: { readonly write?: true; readonly dataPath?: string }): string {
  if (dataPath !== undefined) return `(DATA_PATH '${dataPath}')`;
  return write === true ? '' : '(READ_ONLY)';
}

/** Runs `action` on the warehouse of a test database. */
export async function withWarehouse<T>(
  database: Place,
  action: (warehouse: WarehouseReader) => Promise<T>,
): Promise<T> {
  const lake = join(database.folder, 'lake', 'catalog.ducklake');
  return await finallyClosed(
    KIND === 'ducklake' ? await openLakeAt(lake) : await openWarehouse(join(database.folder, 'warehouse.db')),
    action,
  );
}

/** Changes the warehouse as a user might, between two syncs. */
export async function changeWarehouse(database: Place, ...statements: readonly string[]): Promise<void> {
  await finallyClosed(await openToChange(database), async (warehouse) => {
    for (const statement of statements) await warehouse.rows(statement);
  });
}

/** SQL for the states of all tables: `table_key` and `entry`. */
export async function statesIn(warehouse: WarehouseReader): Promise<string> {
  if (KIND === 'duckdb') return '_pgsluice.state';
  const names = await warehouse.rows(
    "SELECT table_name FROM duckdb_tables() WHERE schema_name = '_pgsluice' AND starts_with(table_name, 'state_')",
  );
  return `(${names.map(([name]) => `SELECT table_key, entry FROM _pgsluice.${String(name)}`).join(' UNION ALL ')})`;
}

/** Replaces the committed state of a table. */
export async function changeState(database: Place, key: string, entry: string): Promise<void> {
  await finallyClosed(await openToChange(database), async (warehouse) => {
    const tables =
      KIND === 'duckdb'
        ? [['state']]
        : await warehouse.rows("SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, 'state_')");
    const text = entry.replaceAll("'", "''");
    for (const [name] of tables)
      await warehouse.rows(`UPDATE _pgsluice.${String(name)} SET entry = '${text}' WHERE table_key = '${key}'`);
  });
}

/** Bytes of the file, or of the lake's data: its catalog remembers each sync. */
export function writtenIn({ folder }: Place): number {
  if (KIND === 'duckdb') return statSync(join(folder, 'warehouse.db')).size;
  const data = join(folder, 'lake', 'data');
  return readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.parquet'))
    .reduce((sum, name) => sum + statSync(join(data, name)).size, 0);
}

async function openToChange({ folder }: Place): Promise<WarehouseReader> {
  return KIND === 'ducklake'
    ? await openLakeAt(join(folder, 'lake', 'catalog.ducklake'), { write: true })
    : await readerOf(await DuckDBInstance.create(join(folder, 'warehouse.db')));
}

async function finallyClosed<T>(
  warehouse: WarehouseReader,
  action: (warehouse: WarehouseReader) => Promise<T>,
): Promise<T> {
  try {
    return await action(warehouse);
  } finally {
    warehouse.close();
  }
}

async function readerOf(instance: DuckDBInstance): Promise<WarehouseReader> {
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return {
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRows(),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
