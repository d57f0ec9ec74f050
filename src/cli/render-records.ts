import { renderTable, textWidth } from './text-width';

export interface RecordOptions {
  /** Columns aligned to the right. */
  readonly right?: readonly string[];
  /** Columns that may be left out on a narrow terminal, the least important first. */
  readonly optional?: readonly string[];
  /** Width of the terminal; undefined where there is none: the result is then always a table. */
  readonly width?: number | undefined;
}

/** The text for an empty cell; a column of empty cells is left out. */
const NOTHING = '–';

/** Renders records as a table, or, where the terminal is too narrow, each as a few lines under its first cell. */
export function renderRecords(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  options: RecordOptions = {},
): readonly string[] {
  const safe = rows.map((row) => row.map(printable));
  const { width, optional = [] } = options;
  const empty = header.filter((_, index) => index > 0 && safe.every((row) => row[index] === NOTHING));
  for (let omitted = 0; omitted <= optional.length; omitted += 1) {
    const kept = without(header, [...empty, ...optional.slice(0, omitted)]);
    const pick = (row: readonly string[]): string[] => kept.map((index) => row[index] ?? '');
    const table = renderTable(pick(header), safe.map(pick), options.right);
    if (width === undefined || table.every((line) => textWidth(line) <= width)) return table;
  }
  return safe.flatMap(([title = '', ...cells]) => {
    const known = cells.flatMap((cell, index) => (cell === NOTHING ? [] : [`${header[index + 1] ?? ''} ${cell}`]));
    return [title, ...(known.length === 0 ? [] : wrap(known.join(', '), width, 2))];
  });
}

function without(header: readonly string[], omitted: readonly string[]): readonly number[] {
  return header.flatMap((title, index) => (omitted.includes(title) ? [] : [index]));
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
    if (line !== '' && textWidth(margin + longer) > width) {
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
