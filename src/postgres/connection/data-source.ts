/** Reads a data source of odbc.ini, so that nothing of it is replaced silently. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Keywords in lower case, with their values; of keywords given twice, the first. */
export type DataSource = ReadonlyMap<string, string>;

/** The section of the data source; empty where there is none, which the driver manager reports better. */
export function readDataSource(name: string): DataSource {
  try {
    // It looks in the same places as the driver manager: in the user's file, then in the system's.
    const section = execFileSync('odbcinst', ['-q', '-s', '-n', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return keywords(section.split('\n').slice(1));
  } catch (error) {
    // A host may have the driver manager without its tool.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? fromFiles(name) : new Map();
  }
}

function fromFiles(name: string): DataSource {
  const user = process.env['ODBCINI'] ?? join(homedir(), '.odbc.ini');
  const system = join(process.env['ODBCSYSINI'] ?? '/etc', 'odbc.ini');
  for (const path of [user, system]) {
    const found = sectionOf(textOf(path), name);
    if (found !== undefined) return keywords(found);
  }
  return new Map();
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Lines of the section of this name; names are compared without case. */
function sectionOf(text: string, name: string): readonly string[] | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const titles = lines.map((line) => /^\[(.*)\]$/.exec(line)?.[1]?.trim().toLowerCase());
  const start = titles.indexOf(name.trim().toLowerCase());
  if (start === -1) return undefined;
  const end = titles.findIndex((title, index) => index > start && title !== undefined);
  return lines.slice(start + 1, end === -1 ? undefined : end);
}

export function keywords(lines: readonly string[]): DataSource {
  const found = new Map<string, string>();
  for (const line of lines) {
    const match = /^\s*([^=;#\s[][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    const key = match?.[1]?.toLowerCase();
    if (key !== undefined && !found.has(key)) found.set(key, match?.[2] ?? '');
  }
  return found;
}
