/** Questions on a terminal. */
import type { CommandIo } from './command';
import { interrupted } from '../common/errors';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

export interface Prompter {
  /** The answer, or `preset` where it is empty. */
  ask(question: string, preset?: string): Promise<string>;
  /** Without an echo. */
  askSecret(question: string): Promise<string>;
  close(): void;
}

export function canAsk(io: CommandIo): boolean {
  return io.stdin.isTTY === true && io.stdout.isTTY === true;
}

/** Ctrl-C and Ctrl-D end the questions with an interruption. */
export function createPrompter(io: CommandIo, signal: AbortSignal): Prompter {
  let muted = false;
  // readline writes both the question and the echo; only the question of a secret may be seen.
  const output = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      if (!muted) io.stdout.write(String(chunk));
      done();
    },
  });
  const prompt = createInterface({ input: io.stdin, output, terminal: true });
  const closed = new Promise<never>((_resolve, reject) => {
    prompt.once('close', () => reject(interrupted('Nothing was written.')));
  });
  closed.catch(() => undefined);
  const close = (): void => prompt.close();
  signal.addEventListener('abort', close, { once: true });
  const read = async (text: string): Promise<string> => await Promise.race([prompt.question(text), closed]);
  return {
    ask: async (question, preset) => {
      const answer = (await read(preset === undefined ? `${question}: ` : `${question} [${preset}]: `)).trim();
      return answer === '' ? (preset ?? '') : answer;
    },
    askSecret: async (question) => {
      io.stdout.write(`${question}: `);
      muted = true;
      try {
        return await read('');
      } finally {
        muted = false;
        io.stdout.write('\n');
      }
    },
    close: () => {
      signal.removeEventListener('abort', close);
      prompt.close();
    },
  };
}
