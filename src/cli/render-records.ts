import { renderTable } from './text-width';
import stringWidth from 'string-width';

/**
 * Records as a table, or, where the terminal is too narrow for one, each as a block of lines under its first
 * cell. `width` is undefined where nobody looks at a terminal: then it is always a table.
 */
export function renderRecords(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: { readonly right?: readonly string[]; readonly width?: number | undefined } = {},
): readonly string[] {
  const safe = rows.map((row) => row.map(printable));
  const table = renderTable(header, safe, options.right);
  const { width } = options;
  if (width === undefined || table.every((line) => stringWidth(line) <= width)) return table;
  return safe.flatMap(([title = '', ...cells]) => [
    title,
    ...cells.flatMap((cell, index) => wrap(`${header[index + 1] ?? ''}: ${cell}`, width, 2)),
  ]);
}

/** Breaks text between words into lines of at most `width` cells, each indented; a longer word stays whole. */
export function wrap(unsafe: string, width: number | undefined, indent = 0): readonly string[] {
  const text = printable(unsafe);
  const margin = ' '.repeat(indent);
  if (width === undefined) return [margin + text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && stringWidth(margin + longer) > width) {
      lines.push(margin + line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, margin + line];
}

/** A table's name may hold an escape sequence, which a terminal would obey. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}
