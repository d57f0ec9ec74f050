/** Where a lake's files are: that nobody else's are there, and that ours can be. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { makeFolder } from '../../common/make-folder';
import { destinationError, literal, type Warehouse } from '../duckdb';
import { isRemote } from '../lake-names';

/** Before a lake is made. Two lakes in one place would take each other's files for left-overs, and delete them. */
export async function prepareDataPath(connection: DuckDBConnection, dataPath: string): Promise<void> {
  if (await holdsAnything(connection, dataPath))
    throw destinationError(`${dataPath} already holds files, perhaps of another lake.`, 'lake_data_path_taken', {
      hint: 'Name an empty place with "lake_data_path", or the catalog of that lake with "lake_catalog".',
    });
}

/** Before anything is written. A folder that is not mounted must not be made anew, beside the files that are in it. */
export async function assertUsable(lake: Warehouse, dataPath: string): Promise<void> {
  if (isRemote(dataPath)) return;
  if (!existsSync(dataPath) && (await hasFiles(lake)))
    throw destinationError(`The lake has files in ${dataPath}, and there is no such folder.`, 'lake_data_path_gone', {
      hint: 'Mount the disk, or restore the folder from the backup; nothing was written.',
    });
  try {
    makeFolder(dataPath);
    accessSync(dataPath, constants.W_OK);
  } catch (error) {
    throw notWritable(dataPath, error);
  }
}

async function hasFiles(lake: Warehouse): Promise<boolean> {
  const [row] = await lake.rows('SELECT sum(file_count) > 0 FROM ducklake_table_info(current_database())');
  return row?.[0] === true;
}

async function holdsAnything(connection: DuckDBConnection, dataPath: string): Promise<boolean> {
  if (isRemote(dataPath)) {
    const pattern = `${dataPath.replace(/\/+$/, '')}/**`;
    const found = await connection.runAndReadAll(`SELECT 1 FROM glob(${literal(pattern)}) LIMIT 1`);
    return found.currentRowCount > 0;
  }
  try {
    makeFolder(dataPath);
    return readdirSync(dataPath).length > 0;
  } catch (error) {
    throw notWritable(dataPath, error);
  }
}

function notWritable(dataPath: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return destinationError(`The lake's files cannot be written to ${dataPath} (${code}).`, 'lake_data_path', {
    cause: error,
    hint: 'Check the permissions of that folder, or name another one with "lake_data_path".',
  });
}
