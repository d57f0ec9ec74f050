/** DuckDB's extensions that a lake needs. Nothing is loaded that was not asked for here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { destinationError, duckdb, literal, messageOf } from '../duckdb';
import { catalogKind, isAzure, isRemote } from '../lake-names';
import type { LakePlace } from './catalog';

/** Settings of a DuckDB that loads no extension by itself. */
export const NO_OTHERS = { autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' } as const;

/** In the order in which they are loaded. */
export function neededExtensions({ catalog, dataPath }: LakePlace): readonly string[] {
  const kind = catalogKind(catalog);
  return [
    'ducklake',
    ...(kind === 'postgres' ? ['postgres_scanner'] : []),
    ...(kind === 'sqlite' ? ['sqlite_scanner'] : []),
    ...(dataPath === undefined ? [] : storeExtensions(dataPath)),
  ];
}

/** What an object store needs. */
export function storeExtensions(dataPath: string): readonly string[] {
  if (!isRemote(dataPath)) return [];
  return isAzure(dataPath) ? ['azure'] : ['httpfs'];
}

/** Loads them from the folder, or has DuckDB install those that it lacks. */
export async function loadExtensions(
  connection: DuckDBConnection,
  names: readonly string[],
  folder: string | undefined,
): Promise<void> {
  for (const name of names) {
    if (folder === undefined) await installed(connection, name);
    else await fromFolder(connection, name, folder);
  }
}

async function installed(connection: DuckDBConnection, name: string): Promise<void> {
  try {
    await connection.run(`INSTALL ${name}; LOAD ${name}`);
  } catch (error) {
    throw destinationError(
      `DuckDB's extension ${name} is missing, and DuckDB could not install it: ${firstLine(error)}.`,
      'extension_missing',
      { cause: error, hint: `${fetchCommand(name, 'FOLDER')}, and name the folder with "lake_extensions".` },
    );
  }
}

async function fromFolder(connection: DuckDBConnection, name: string, folder: string): Promise<void> {
  const path = extensionFile(name, folder);
  if (path === undefined)
    throw destinationError(`DuckDB's extension ${name} is not in ${folder}.`, 'extension_missing', {
      hint: `${fetchCommand(name, folder)}.`,
    });
  try {
    await connection.run(`LOAD ${literal(path)}`);
  } catch (error) {
    const ours = duckdb().version();
    const text = firstLine(error);
    const theirs = /built specifically for DuckDB version '?v?([\w.]+)/i.exec(messageOf(error))?.[1];
    const message =
      theirs === undefined
        ? `DuckDB's extension ${path} cannot be loaded: ${text}.`
        : `DuckDB's extension ${path} is for DuckDB ${theirs}, and DuckDB ${ours} is in use here.`;
    throw destinationError(message, 'extension_foreign', {
      cause: error,
      hint: `Remove it and fetch the right one: ${fetchCommand(name, folder, true)}.`,
    });
  }
}

/** In the folder itself, or where `pip install --target` puts it. */
function extensionFile(name: string, folder: string): string | undefined {
  const file = `${name}.duckdb_extension`;
  const version = duckdb().version();
  return [join(folder, file), join(folder, `duckdb_extension_${name}`, 'extensions', version, file)].find((path) =>
    existsSync(path),
  );
}

function fetchCommand(name: string, folder: string, upgrade = false): string {
  const wanted = `duckdb-extension-${name.replaceAll('_', '-')}==${duckdb().version().replace(/^v/, '')}`;
  return `${upgrade ? '' : 'Run '}\`pip install --no-deps ${upgrade ? '--upgrade ' : ''}--target ${folder} ${wanted}\``;
}

function firstLine(error: unknown): string {
  return (messageOf(error).split('\n')[0] ?? '').replace(/^(?:\w+ )+Error: /, '').replace(/\.$/, '');
}
