/** A lake: opening it, or making it where there is none. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { ConnectorError } from '../../common/errors';
import { makeFolder } from '../../common/make-folder';
import { createFile, DATABASE, duckdb, literal, messageOf, Warehouse, type WarehouseOptions } from '../duckdb';
import { attachedCatalog, catalogFile, catalogKind, isRemote, newDataPath, type LakePlace } from './catalog';
import { shownCatalog } from '../place';
import { lakeOpenError, noDataPath } from './errors';
import { loadExtensions, neededExtensions, NO_OTHERS } from './extensions';
import { lakeStorage } from './storage';

export interface LakeOptions extends LakePlace, Omit<WarehouseOptions, 'path'> {
  /** Of the host's memory, for rows that wait. */
  readonly availableBytes: number;
}

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
  if (options.readOnly === true || !(await isThere(connection, options))) await attach(connection, options);
  await connection.run(`USE ${DATABASE}; DETACH memory; SET TimeZone = 'UTC'`);
  const storage = lakeStorage(options.availableBytes);
  const warehouse = new Warehouse(instance, connection, shownCatalog(options.catalog), options.memoryBytes, storage);
  if (options.decodeColumns !== undefined) warehouse.decodeWith(options.decodeColumns);
  return warehouse;
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

async function attach(connection: DuckDBConnection, options: LakeOptions, more: readonly string[] = []): Promise<void> {
  const isNew = more.length === 0 && options.readOnly !== true;
  const dataPath = isNew ? newDataPath(options) : options.dataPath;
  if (isNew && dataPath === undefined) throw noDataPath(options.catalog);
  if (isNew) await prepare(options, dataPath);
  const parts = [
    ...(options.readOnly === true ? ['READ_ONLY'] : []),
    ...(dataPath === undefined ? [] : [`DATA_PATH ${literal(dataPath)}`]),
    ...more,
  ];
  const options_ = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  await connection.run(`ATTACH ${literal(`ducklake:${attachedCatalog(options.catalog)}`)} AS ${DATABASE}${options_}`);
}

/** The folders of a new lake, and the catalog's file, which is never half of one. */
async function prepare({ catalog }: LakeOptions, dataPath: string | undefined): Promise<void> {
  if (dataPath !== undefined && !isRemote(dataPath)) makeFolder(dataPath);
  const file = catalogFile(catalog);
  if (file === undefined) return;
  makeFolder(dirname(file));
  if (catalogKind(catalog) === 'duckdb' && !existsSync(file)) await createFile(duckdb().DuckDBInstance, file);
}

/** For what does not fit into memory: beside the catalog's file, else where the system has such things. */
function temporaryFolder({ catalog }: LakePlace): string {
  const file = catalogFile(catalog);
  return file === undefined ? join(tmpdir(), `pgsluice-lake-${process.pid}`) : `${file}.tmp`;
}
