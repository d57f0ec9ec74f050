/** A lake: opening it, or making it where there is none. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { ConnectorError } from '../../common/errors';
import { makeFolder } from '../../common/make-folder';
import { createFile, DATABASE, duckdb, literal, messageOf, Warehouse, type WarehouseOptions } from '../duckdb';
import { catalogFile, catalogKind, shownCatalog } from '../lake-names';
import { attachedCatalog, newDataPath, type LakePlace } from './catalog';
import { assertUsable, prepareDataPath } from './data-path';
import { lakeMissing, lakeOpenError, noDataPath } from './errors';
import { MARK_AS_OURS } from './made-by-us';
import { loadExtensions, neededExtensions, NO_OTHERS, storeExtensions } from './extensions';
import { useCredentials } from './object-store';
import { lockSqlite } from './sqlite-lock';
import { lakeStorage } from './storage';

export interface LakeOptions extends LakePlace, Omit<WarehouseOptions, 'path'> {
  /** The host's memory that is left for rows that wait. */
  readonly availableBytes: number;
  /** It is written, but not made. */
  readonly mustExist?: true;
}

/** Rejects with code `lake_missing` where there is none and it is opened for a look only. */
export async function openLake(options: LakeOptions): Promise<Warehouse> {
  const { memoryBytes, threads } = options;
  try {
    const instance = await duckdb().DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.max(48, Math.floor(memoryBytes / 1_000_000))}MB`,
      threads: String(threads),
      temp_directory: temporaryFolder(options),
      ...NO_OTHERS,
    });
    return await attached(instance, options).catch((error: unknown) => {
      instance.closeSync();
      throw error;
    });
  } catch (error) {
    throw error instanceof ConnectorError ? error : lakeOpenError(error, options);
  }
}

async function attached(instance: DuckDBInstance, options: LakeOptions): Promise<Warehouse> {
  const connection = await instance.connect();
  await loadExtensions(connection, neededExtensions(options), options.extensions);
  await useCredentials(connection, options.dataPath);
  await lockSqlite(connection, options);
  if (options.readOnly === true) await attach(connection, options, ['READ_ONLY']);
  else if (!(await isThere(connection, options))) {
    if (options.mustExist === true) throw lakeMissing(options.catalog);
    await create(connection, options);
  }
  await connection.run(`USE ${DATABASE}; DETACH memory; SET TimeZone = 'UTC'`);
  const storage = lakeStorage(options.availableBytes);
  const warehouse = new Warehouse(instance, connection, shownCatalog(options.catalog), options.memoryBytes, storage);
  if (options.readOnly !== true) await assertUsable(warehouse, await storedDataPath(warehouse));
  if (options.columnDecoder !== undefined) warehouse.decodeWith(options.columnDecoder, options.logger);
  return warehouse;
}

/** Where the lake's files are. */
export async function storedDataPath(lake: Warehouse): Promise<string> {
  const sql = "SELECT value FROM ducklake_options(current_database()) WHERE option_name = 'data_path'";
  return String((await lake.rows(sql))[0]?.[0]);
}

/** Attaches the lake where there is one. */
async function isThere(connection: DuckDBConnection, options: LakeOptions): Promise<boolean> {
  const file = catalogFile(options.catalog);
  if (file !== undefined && !existsSync(file)) return false;
  try {
    await attach(connection, options, ['CREATE_IF_NOT_EXISTS false']);
    return true;
  } catch (error) {
    if (/creating a new DuckLake is explicitly disabled/.test(messageOf(error))) return false;
    throw error;
  }
}

async function create(connection: DuckDBConnection, options: LakeOptions): Promise<void> {
  const dataPath = newDataPath(options);
  if (dataPath === undefined) throw noDataPath(options.catalog);
  await prepareDataPath(connection, dataPath);
  const file = catalogFile(options.catalog);
  if (file !== undefined) makeFolder(dirname(file));
  // Made whole: a process killed meanwhile would leave half a file.
  if (file !== undefined && catalogKind(options.catalog) === 'duckdb' && !existsSync(file))
    await createFile(duckdb().DuckDBInstance, file);
  try {
    await attach(connection, { ...options, dataPath });
    await connection.run(`CALL ${DATABASE}.set_option('parquet_compression', 'zstd')`);
    await connection.run(MARK_AS_OURS);
  } catch (error) {
    // Another process may have made it at the same time: then it is there now.
    if (catalogKind(options.catalog) !== 'postgres') throw error;
    await connection.run(`DETACH DATABASE IF EXISTS ${DATABASE}`);
    if (!(await isThere(connection, options))) throw error;
  }
}

async function attach(
  connection: DuckDBConnection,
  { catalog, dataPath, extensions }: LakePlace,
  more: readonly string[] = [],
): Promise<void> {
  const options = [...(dataPath === undefined ? [] : [`DATA_PATH ${literal(dataPath)}`]), ...more];
  const listed = options.length === 0 ? '' : ` (${options.join(', ')})`;
  const attaching = `ATTACH ${literal(`ducklake:${attachedCatalog(catalog)}`)} AS ${DATABASE}${listed}`;
  try {
    await connection.run(attaching);
  } catch (error) {
    // Only the catalog knows where the files are, and DuckLake asks for what reads them.
    const stored = /Data path (\S+) requires the extension/.exec(messageOf(error))?.[1];
    if (stored === undefined) throw error;
    await loadExtensions(connection, storeExtensions(stored), extensions);
    await useCredentials(connection, stored);
    await connection.run(attaching);
  }
}

/** For what does not fit into memory: beside the catalog's file, else where the system has such things. */
function temporaryFolder({ catalog }: LakePlace): string {
  const file = catalogFile(catalog);
  return file === undefined ? join(tmpdir(), `pgsluice-lake-${process.pid}`) : `${file}.tmp`;
}
