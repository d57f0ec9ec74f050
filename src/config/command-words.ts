/**
 * A command of the configuration as its words. No shell is started, so nothing is expanded: words are separated by
 * blanks and may be quoted, or the command is a JSON array of its words. What only a shell would understand is refused,
 * since it would be passed on as a word.
 */

export type CommandWords = { readonly words: readonly string[] } | { readonly problem: string };

const SHELL_ADVICE = 'no shell is started; write ["sh", "-c", "…"] if one is wanted';
/** Outside of quotes. A backslash is none: paths of Windows have them. */
const SHELL_CHARACTERS = /[|&;<>()$`*?]/;

/** `problem` completes "must …". */
export function commandWords(text: string): CommandWords {
  const trimmed = text.trim();
  const words = trimmed.startsWith('[') ? wordsOfJson(trimmed) : wordsOfText(trimmed);
  if ('problem' in words) return words;
  if ((words.words[0] ?? '') === '') return { problem: 'must name a program' };
  return words;
}

function wordsOfJson(text: string): CommandWords {
  try {
    const parsed = JSON.parse(text) as unknown;
    if (Array.isArray(parsed) && parsed.every((word) => typeof word === 'string')) return { words: parsed };
  } catch {
    // As any other array that is none of texts.
  }
  return { problem: 'must be a command, or a JSON array of its words, all texts' };
}

function wordsOfText(text: string): CommandWords {
  const words: string[] = [];
  const part = /\s+|'([^']*)'|"([^"]*)"|[^\s'"]+|['"]/gy;
  let word: string | undefined;
  for (const [found, single, double] of text.matchAll(part)) {
    if (/^\s/.test(found)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (found === "'" || found === '"') {
      return { problem: `must close the quotation that begins with ${found}` };
    } else {
      const quoted = single ?? double;
      const special = quoted === undefined ? SHELL_CHARACTERS.exec(found)?.[0] : undefined;
      if (special !== undefined)
        return { problem: `must hold no ${special} outside of quotation marks: ${SHELL_ADVICE}` };
      if (word === undefined && found.startsWith('~'))
        return { problem: `must not begin a word with ~: ${SHELL_ADVICE}, or write the whole path` };
      word = (word ?? '') + (quoted ?? found);
    }
  }
  if (word !== undefined) words.push(word);
  return { words };
}
