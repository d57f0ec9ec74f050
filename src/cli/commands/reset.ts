import { ConnectorError } from '../../common/errors';
import type { Command, CommandContext } from '../command';
import { EXIT } from '../exit-codes';
import { existsSync, lstatSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';

/** Deletes what a sync left behind; the source is not touched. */
export const reset: Command = async (context) => {
  const { settings, output } = context;
  const found = targets(context).filter((path) => exists(path));
  if (found.length === 0) {
    output.print([`There is nothing to delete: neither ${settings.warehousePath} nor ${settings.statePath} exists.`]);
    return EXIT.ok;
  }
  if (context.switches['yes'] !== 'true' && !(await confirm(found, context))) {
    output.print(['Nothing was deleted.']);
    return EXIT.ok;
  }
  for (const path of found) remove(path);
  output.print(found.map((path) => `Deleted ${path}`));
  return EXIT.ok;
};

/**
 * With the default paths, the folder files/ with all that is in it, as `fivetran reset` does. With paths of the
 * user's own, only the files that a sync writes there.
 */
function targets({ settings, io }: CommandContext): readonly string[] {
  const folder = resolve(io.cwd, 'files');
  const { warehousePath, statePath } = settings;
  if (warehousePath === resolve(folder, 'warehouse.db') && statePath === resolve(folder, 'state.json')) return [folder];
  // DuckDB's write-ahead log belongs to the file: left alone, it would be replayed into the next one.
  return [warehousePath, `${warehousePath}.wal`, `${warehousePath}.tmp`, statePath];
}

async function confirm(found: readonly string[], { io, signal }: CommandContext): Promise<boolean> {
  const names = found.join(', ');
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) {
    throw new ConnectorError(`This would delete ${names}; repeat the command with --yes to do so.`, {
      code: 'not_confirmed',
      kind: 'configuration',
    });
  }
  const prompt = createInterface({ input: io.stdin, output: io.stdout });
  // Ctrl-C and Ctrl-D close the prompt without an answer, which is a no.
  const closed = new Promise<string>((resolve) => void prompt.once('close', () => resolve('')));
  const close = (): void => prompt.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    const answer = await Promise.race([prompt.question(`Delete ${names}? [y/N] `), closed]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    signal.removeEventListener('abort', close);
    prompt.close();
  }
}

/** Also for a link that leads nowhere. */
function exists(path: string): boolean {
  return existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ConnectorError(`${path} could not be deleted (${code}); check the rights on ${dirname(path)}.`, {
      code: 'reset_failed',
      kind: 'destination',
      cause: error,
    });
  }
}
