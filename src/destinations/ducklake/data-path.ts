/** Where a lake's files are: that nobody else's are there, and that ours can be. */
import { accessSync, constants, readdirSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { makeFolder } from '../../common/make-folder';
import { destinationError, literal } from '../duckdb';
import { isRemote } from '../lake-names';

/** Before a lake is made. Two lakes in one place would take each other's files for left-overs, and delete them. */
export async function prepareDataPath(connection: DuckDBConnection, dataPath: string): Promise<void> {
  if (await holdsAnything(connection, dataPath))
    throw destinationError(`${dataPath} already holds files, perhaps of another lake.`, 'lake_data_path_taken', {
      hint: 'Name an empty place with "lake_data_path", or the catalog of that lake with "lake_catalog".',
    });
}

/** Before anything is written. */
export function assertUsable(dataPath: string): void {
  if (isRemote(dataPath)) return;
  try {
    makeFolder(dataPath);
    accessSync(dataPath, constants.W_OK);
  } catch (error) {
    throw notWritable(dataPath, error);
  }
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
