/**
 * A copy of the committed state as JSON, for people and for scripts that know the file of earlier connectors. The
 * warehouse holds the state itself: the copy may be one commit behind, and is never read for data in it.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../common/make-folder';
import { STATE_VERSION, type StateDocument, type TableStates } from '../model/sync-state';

export function stateDocument(states: TableStates, at: Date): StateDocument {
  return {
    version: STATE_VERSION,
    last_updated_at: at.toISOString(),
    tables: Object.fromEntries([...states].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Reads the copy; undefined where there is none that can be read. */
export function readStateFile(path: string): StateDocument | undefined {
  try {
    const document = JSON.parse(readFileSync(path, 'utf8')) as Partial<StateDocument>;
    return typeof document.tables === 'object' ? (document as StateDocument) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a file beside it and renames that, so that a reader finds the old file or the new one, never half of one. */
export function writeStateFile(path: string, document: StateDocument): void {
  makeFolder(dirname(path));
  const beside = `${path}.tmp`;
  try {
    writeFileSync(beside, `${JSON.stringify(document, null, 2)}\n`);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
