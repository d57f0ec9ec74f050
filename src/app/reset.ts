/** Deletes what a sync left behind, while no other process can use it. */
import { readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import { fileOf } from '../destinations/place';
import { accessTo } from '../destinations/registry';
import { readStateFile } from '../destinations/state-file';
import type { WarehouseAccess } from '../destinations/warehouse-access';

export interface ResetPlan {
  readonly files: readonly string[];
  /** Files that are unknown, and stay: one sentence each. */
  readonly kept: readonly string[];
  /** Whether a sync that is about to be forgotten read the log of its source, and so has a slot there. */
  readonly usesSlot: boolean;
  /** Deletes the files; returns a line about each, and about their folder. */
  readonly deleteAll: () => readonly string[];
}

/** Runs `action` with the warehouse locked; rejects with code `warehouse_locked` where a sync has it. */
export async function withResetPlan<T>(settings: Settings, action: (plan: ResetPlan) => Promise<T>): Promise<T> {
  const warehouse = accessTo(settings);
  const lock = await warehouse.lock();
  try {
    const { files, kept } = warehouse.ownFiles(settings.statePath);
    return await action({
      files,
      kept: [...kept, ...copiesKept(settings, warehouse)],
      usesSlot: Object.values(readStateFile(settings.statePath)?.tables ?? {}).some(({ mode }) => mode === 'log'),
      deleteAll: () => {
        for (const path of files) remove(path);
        return [
          ...files.map((path) => `Deleted ${path}`),
          ...removeFolders(fileOf(settings) ?? settings.warehousePath),
        ];
      },
    });
  } finally {
    await lock.close();
  }
}

/** Others may read them, and they hold what the warehouse held. */
function copiesKept({ publishPath }: Settings, warehouse: WarehouseAccess): readonly string[] {
  const copies = publishPath === undefined ? [] : (warehouse.published?.(publishPath) ?? []);
  return copies.length === 0
    ? []
    : [`Kept the copies in ${publishPath}: ${listed(copies.map((path) => basename(path)))}`];
}

/** The folders that a sync makes by itself, by their default names; one that somebody else uses as well is kept. */
function removeFolders(path: string): readonly string[] {
  const folder = dirname(path);
  if (basename(path) === 'warehouse.db') return removeFolder(folder, 'files');
  return basename(path) === 'catalog.ducklake'
    ? [...removeFolder(folder, 'lake'), ...removeFolder(dirname(folder), 'files')]
    : [];
}

function removeFolder(folder: string, name: string): readonly string[] {
  if (basename(folder) !== name) return [];
  try {
    const others = readdirSync(folder);
    if (others.length > 0) return [`Kept ${folder}, which holds something else: ${listed(others)}`];
    rmdirSync(folder);
    return [`Deleted ${folder}`];
  } catch {
    // It is a link, or a folder of somebody else, and stays.
    return [];
  }
}

const MOST_LISTED = 5;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return `${names.slice(0, MOST_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function remove(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) rmdirSync(path);
    else rmSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ConnectorError(`${path} could not be deleted (${code}); check the rights on ${dirname(path)}.`, {
      code: 'reset_failed',
      kind: 'destination',
      cause: error,
    });
  }
}
