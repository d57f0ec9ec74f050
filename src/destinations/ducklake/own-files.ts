/** Which files of a lake are pgsluice's own, where a user wants to be rid of them: those of a catalog that is a file. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { destinationError, ownFiles, type Warehouse } from '../duckdb';
import { catalogFile, isRemote, shownCatalog } from '../lake-names';
import type { OwnFiles } from '../warehouse-access';
import type { LakePlace } from './catalog';
import { DATA_FILE, isOurs } from './made-by-us';
import { LOCK_SUFFIX } from './sqlite-lock';
import { openLake, storedDataPath } from './warehouse';

const MEMORY_BYTES = 64_000_000;
const BESIDE_SQLITE = ['-journal', '-wal', '-shm', LOCK_SUFFIX];

export class LakeOwner {
  /** The data path of the lake that was locked; undefined where there is none. */
  private dataPath: string | undefined;

  constructor(private readonly place: LakePlace) {}

  /** As `FileOwner.lock`. A lake that a server keeps may have other users, and is no file of ours. */
  async lock(): Promise<{ close(): Promise<void> }> {
    const lake = shownCatalog(this.place.catalog);
    const file = catalogFile(this.place.catalog);
    if (file === undefined)
      throw destinationError(`The lake ${lake} may have other users; nothing was deleted.`, 'lake_shared', {
        hint: "`pgsluice forget '*' --drop` drops the tables of this schema, and `pgsluice maintain` frees their room.",
      });
    if (!existsSync(file)) return { close: () => Promise.resolve() };
    const options = {
      ...this.place,
      memoryBytes: MEMORY_BYTES,
      availableBytes: 0,
      threads: 1,
      readOnly: true,
    } as const;
    const warehouse = await openLake(options);
    try {
      await this.examine(warehouse, lake);
      return warehouse;
    } catch (error) {
      await warehouse.close();
      throw error;
    }
  }

  ownFiles(statePath: string): OwnFiles {
    const file = catalogFile(this.place.catalog) ?? '';
    const { files, kept } = ownFiles(file, statePath);
    const besides = BESIDE_SQLITE.map((suffix) => `${file}${suffix}`).filter((path) => existsSync(path));
    const data = this.dataPath === undefined ? { files: [], kept: [] } : dataFiles(this.dataPath);
    return { files: [...files, ...besides, ...data.files], kept: [...kept, ...data.kept] };
  }

  private async examine(warehouse: Warehouse, lake: string): Promise<void> {
    if (!(await isOurs(warehouse)))
      throw destinationError(`The lake ${lake} was not made by pgsluice; nothing was deleted.`, 'not_a_warehouse', {
        hint: 'Name the right one with "lake_catalog"; `pgsluice forget \'*\' --drop` drops the tables of this schema.',
      });
    const dataPath = await storedDataPath(warehouse);
    if (isRemote(dataPath))
      throw destinationError(`The files of the lake ${lake} are in ${dataPath}; nothing was deleted.`, 'lake_shared', {
        hint: 'Delete them there, then the catalog and the state file.',
      });
    this.dataPath = dataPath;
  }
}

/** Files of a folder, then the folder itself where nothing else is in it. */
function dataFiles(folder: string): { readonly files: readonly string[]; readonly kept: readonly string[] } {
  if (!existsSync(folder)) return { files: [], kept: [] };
  const files: string[] = [];
  const kept: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const within = dataFiles(path);
      files.push(...within.files);
      kept.push(...within.kept);
    } else if (DATA_FILE.test(entry.name)) files.push(path);
    else kept.push(`Kept ${path}, which is no file of the lake.`);
  }
  if (kept.length === 0) files.push(folder);
  return { files, kept };
}
