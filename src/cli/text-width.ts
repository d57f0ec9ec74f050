import { plural } from '../common/counted';
import stringWidth from 'string-width';

const ELLIPSIS = '…';
// Made when first needed: their tables take 40 ms to load, and a command with piped output does not need them.
let segmenter: Intl.Segmenter | undefined;
let integers: Intl.NumberFormat | undefined;

/** Terminal cells of `text`. The package's table of characters takes 30 ms to make, and ASCII does not need it. */
export function textWidth(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

/** `text` with its control characters made visible, cut to `width` terminal cells. */
export function fit(text: string, width: number): string {
  if (width <= 0) return '';
  const safe = text.replace(/\p{Cc}/gu, '\ufffd');
  if (textWidth(safe) <= width) return safe;
  let kept = '';
  let used = 0;
  segmenter ??= new Intl.Segmenter();
  for (const { segment } of segmenter.segment(safe)) {
    const cells = textWidth(segment);
    if (used + cells > width - 1) break;
    kept += segment;
    used += cells;
  }
  return kept + ELLIPSIS;
}

/** `text` filled up with spaces to `width` terminal cells. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return side === 'left' ? text + space : space + text;
}

/** A plain table, columns separated by ` | `; columns named in `right` are aligned to the right. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): readonly string[] {
  const widths = header.map((title, column) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    header
      .map((title, column) => pad(cells[column] ?? '', widths[column] ?? 0, right.includes(title) ? 'right' : 'left'))
      .join(' | ')
      .trimEnd();
  return [line(header), widths.map((width) => '-'.repeat(width)).join('-+-'), ...rows.map(line)];
}

export function formatInteger(value: number): string {
  integers ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
  return integers.format(value);
}

/** `1 row`, `2,000 rows`; the noun goes by the number that is shown. */
export function formatCounted(value: number, one: string): string {
  return `${formatInteger(value)} ${plural(Math.round(value), one)}`;
}

/** 1536 -> `1.5 kB`, in powers of 1024. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(value < 10 && unit > 0 ? 1 : 0)} ${units[unit] ?? ''}`;
}
