/**
 * Keeps a second process out of a lake whose catalog is a SQLite file. SQLite locks it for moments only, and of two
 * processes that use it DuckLake leaves both with "database is locked" (measured with DuckDB 1.5.5). DuckDB locks its own
 * files for as long as a process has them open, so an empty one stands beside the catalog.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { makeFolder } from '../../common/make-folder';
import { createFile, duckdb, literal } from '../duckdb';
import { catalogFile, catalogKind } from '../lake-names';

export const LOCK_SUFFIX = '.lock';

/** Until the DuckDB of the connection is closed. Rejects with DuckDB's error where another process has it. */
export async function lockSqlite(
  connection: DuckDBConnection,
  { catalog, readOnly }: { readonly catalog: string; readonly readOnly?: boolean },
): Promise<void> {
  const file = catalogFile(catalog);
  if (file === undefined || catalogKind(catalog) !== 'sqlite') return;
  const lock = `${file}${LOCK_SUFFIX}`;
  if (!existsSync(lock)) {
    // A command that only looks makes nothing.
    if (readOnly === true) return;
    makeFolder(dirname(lock));
    await createFile(duckdb().DuckDBInstance, lock);
  }
  await connection.run(`ATTACH ${literal(lock)} AS _pgsluice_lock${readOnly === true ? ' (READ_ONLY)' : ''}`);
}
