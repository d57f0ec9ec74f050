/** Checks whether the files that a sync writes beside the warehouse can be written. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Settings } from '../../config/settings';
import { keepsRows } from '../../destinations/place';
import { failure, ok, type Finding } from './finding';

export function checkFiles(settings: Settings): readonly Finding[] {
  const findings: Finding[] = [];
  if (keepsRows(settings)) findings.push(checkFile('state', 'state_path', settings.statePath, 'tmp'));
  if (settings.reportPath !== undefined) findings.push(checkFile('report', 'report_path', settings.reportPath));
  return findings;
}

/** `beside` is the suffix of the file that is written first, where its name is always the same. */
function checkFile(item: string, option: string, path: string, beside?: string): Finding {
  const reason = whyNotWritten(path) ?? (beside === undefined ? undefined : whyNotWritten(`${path}.${beside}`));
  if (reason === undefined) return ok(item, path);
  return failure(item, reason, `Allow it with chown or chmod, or name another file with "${option}".`);
}

/** Why no file can be written at this place; undefined where nothing seems to prevent it. */
export function whyNotWritten(path: string): string | undefined {
  if (isFolder(path)) return `${path} is a folder, not a file.`;
  const folder = nearestExisting(dirname(path));
  if (!isFolder(folder)) return `${folder} is a file, where a folder is needed for ${path}.`;
  const target = [...(existsSync(path) ? [path] : []), folder].find((each) => !mayWrite(each));
  return target === undefined ? undefined : `${target} may not be written by this user.`;
}

export function nearestExisting(path: string): string {
  let current = path;
  while (!existsSync(current) && dirname(current) !== current) current = dirname(current);
  return current;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
