/**
 * Copies of the warehouse file that others may read for as long as they like, while the next sync writes.
 *
 *   files/warehouse.db ── copied, then renamed ──> FOLDER/warehouse-20261130T101500123Z.db
 *                                                  FOLDER/warehouse.db ── a link to the newest
 */
import { constants, copyFileSync, existsSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { makeFolder } from '../../common/make-folder';
import type { PublishOptions } from '../warehouse-access';
import { destinationError } from './errors';
import { lockWarehouse } from './own-files';

/** Returns the copy's path. No other process writes the warehouse meanwhile. */
export async function publish(warehouse: string, { folder, keep, now }: PublishOptions): Promise<string> {
  const lock = await lockWarehouse(warehouse);
  const stem = stemOf(warehouse);
  const copy = join(folder, `${stem}-${now.toISOString().replace(/[-:.]/g, '')}.db`);
  try {
    makeFolder(folder);
    // What DuckDB has not written into the file yet; usually there is nothing.
    if (existsSync(`${warehouse}.wal`)) copied(`${warehouse}.wal`, `${copy}.wal`);
    copied(warehouse, copy);
    link(folder, stem, copy);
    for (const old of publishedCopies(folder, warehouse).slice(keep))
      for (const path of [old, `${old}.wal`]) rmSync(path, { force: true });
    return copy;
  } catch (error) {
    if (existsSync(`${copy}.part`)) rmSync(`${copy}.part`);
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw destinationError(`No copy of ${warehouse} could be published in ${folder} (${code}).`, 'publish_failed', {
      cause: error,
      hint: 'Check the room and the permissions of that folder; the warehouse itself is whole.',
    });
  } finally {
    await lock.close();
  }
}

/** Paths, the newest first. */
export function publishedCopies(folder: string, warehouse: string): readonly string[] {
  const prefix = `${stemOf(warehouse)}-`;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{8}T\d{9}Z\.db$/.test(name.slice(prefix.length)))
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/** Where the file system can, the copy shares its blocks with the file and takes no time. */
function copied(from: string, to: string): void {
  copyFileSync(from, `${to}.part`, constants.COPYFILE_FICLONE);
  renameSync(`${to}.part`, to);
}

function link(folder: string, stem: string, copy: string): void {
  const beside = join(folder, `.${stem}.link`);
  rmSync(beside, { force: true });
  symlinkSync(basename(copy), beside);
  renameSync(beside, join(folder, `${stem}.db`));
}

function stemOf(warehouse: string): string {
  return basename(warehouse, extname(warehouse));
}
