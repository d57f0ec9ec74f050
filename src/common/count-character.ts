/**
 * How often a character occurs in a text. The addon's counter is put in its place from above, since those who count are
 * in a layer that does not know the addon: counting with indexOf was a tenth of what reading costs the process.
 */

/** Counts the characters with this code, below 256. The text has no characters of higher codes. */
export type Latin1Counter = (text: string, code: number) => number;

let latin1Counter: Latin1Counter | undefined;

export function useLatin1Counter(counter: Latin1Counter | undefined): void {
  latin1Counter = counter;
}

/** A larger cell has long values, and few of them: looking for the next is then quicker than copying it all. */
const MOST_COPIED_CHARACTERS = 256 * 1024 - 1;

/** `ascii`: whether all of the text is known to be ASCII. */
export function countCharacter(text: string, character: string, ascii: boolean): number {
  if (ascii && latin1Counter !== undefined && text.length <= MOST_COPIED_CHARACTERS)
    return latin1Counter(text, character.charCodeAt(0));
  let count = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count += 1;
  return count;
}
