/**
 * Lists the files that are pgsluice's own, for a user who wants to delete them. All other files belong to somebody, and
 * stay.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { OwnFiles } from '../warehouse-access';
import { Warehouse } from './warehouse';
import { destinationError } from './errors';

const MEMORY_BYTES = 64_000_000;
/** What DuckDB writes beside its file; left alone, a log would be replayed into the next warehouse. */
const BESIDE = ['.wal', '.wal.checkpoint', '.wal.recovery'];
const TEMPORARY_FILE = /^duckdb_temp_/;

/**
 * Takes the warehouse's lock, so that no sync begins meanwhile; closing the result releases it. Rejects with code
 * `warehouse_locked` where a process has it, and with another code where the file is no warehouse of ours.
 */
export async function lockWarehouse(path: string): Promise<{ close(): Promise<void> }> {
  // A link that leads nowhere is no warehouse.
  if (!existsSync(path)) return { close: () => Promise.resolve() };
  if (statSync(path).isDirectory()) throw notOurs(`${path} is a folder, no warehouse of pgsluice`);
  // It is opened for reading: closing it then writes nothing, when the next sync may have begun already.
  const warehouse = await Warehouse.open({ path, memoryBytes: MEMORY_BYTES, threads: 1, readOnly: true });
  try {
    const [row] = await warehouse.rows(
      "SELECT count(*) FILTER (WHERE schema_name = '_pgsluice'), count(*) FROM duckdb_tables() WHERE database_name = current_database()",
    );
    // A file without any table is as good as new: a sync was interrupted just after it had made it.
    if (row?.[0] === 0n && row[1] !== 0n)
      throw notOurs(`The file ${path} is a DuckDB database, but no warehouse of pgsluice`);
    return warehouse;
  } catch (error) {
    await warehouse.close();
    throw error;
  }
}

function notOurs(what: string): Error {
  return destinationError(`${what}; nothing was deleted.`, 'not_a_warehouse', {
    hint: 'Name the right one with --warehouse.',
  });
}

export function ownFiles(warehousePath: string, statePath: string): OwnFiles {
  const kept: string[] = [];
  const files = [warehousePath, ...BESIDE.map((suffix) => `${warehousePath}${suffix}`)].filter(exists);
  files.push(...abandonedFiles(warehousePath));
  const temporary = `${warehousePath}.tmp`;
  const spilled = entriesOf(temporary);
  if (spilled !== undefined) {
    files.push(...spilled.filter((name) => TEMPORARY_FILE.test(name)).map((name) => join(temporary, name)));
    if (spilled.every((name) => TEMPORARY_FILE.test(name))) files.push(temporary);
    else kept.push(`Kept ${temporary}, which holds files of somebody else.`);
  }
  if (exists(statePath)) {
    if (isState(statePath)) files.push(statePath);
    else kept.push(`Kept ${statePath}, which is no state of pgsluice.`);
  }
  if (exists(`${statePath}.tmp`)) files.push(`${statePath}.tmp`);
  return { files, kept };
}

/** New warehouses that were never finished; see `createFile` in destinations/duckdb/warehouse. */
function abandonedFiles(path: string): readonly string[] {
  const folder = dirname(path);
  return (entriesOf(folder) ?? [])
    .filter((name) => name.startsWith(`${basename(path)}.`))
    .filter((name) => {
      const process = /^\.(\d+)\.new(?:\.wal)?$/.exec(name.slice(basename(path).length))?.[1];
      return process !== undefined && !isRunning(Number(process));
    })
    .map((name) => join(folder, name));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the file is our state, or that of the connector before us; see app/state-copy. */
function isState(path: string): boolean {
  try {
    const document = JSON.parse(readFileSync(path, 'utf8')) as unknown;
    return typeof document === 'object' && document !== null && 'last_updated_at' in document;
  } catch {
    return false;
  }
}

/** True for a link that leads nowhere as well. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function entriesOf(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder).sort();
  } catch {
    return undefined;
  }
}
