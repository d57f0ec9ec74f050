/** Asks before an action that cannot be undone. */
import { ConnectorError } from '../common/errors';
import type { CommandContext } from './command';
import { canAsk } from './prompt';
import { createInterface } from 'node:readline/promises';

/** True with --yes, or where a person on a terminal agrees; rejects where nobody can be asked. */
export async function confirm(what: string, { io, signal, switches }: CommandContext): Promise<boolean> {
  if (switches['yes'] === 'true') return true;
  if (!canAsk(io)) {
    throw new ConnectorError(`This would delete ${what}; repeat the command with --yes to do so.`, {
      code: 'not_confirmed',
      kind: 'configuration',
    });
  }
  const prompt = createInterface({ input: io.stdin, output: io.stdout });
  // Ctrl-C and Ctrl-D close the prompt without an answer, which counts as no.
  const closed = new Promise<string>((resolve) => void prompt.once('close', () => resolve('')));
  const close = (): void => prompt.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    const answer = await Promise.race([prompt.question(`Delete ${what}? [y/N] `), closed]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    signal.removeEventListener('abort', close);
    prompt.close();
  }
}
