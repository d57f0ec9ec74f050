/** Rows of a query, as a table for people, as CSV or as JSON. */
import type { QueryColumn } from '../app/read-warehouse';
import { fit, renderTable, textWidth } from './text-width';

export type Row = readonly (string | null)[];

/** A column of the table is not made narrower than this. */
const LEAST_CELLS = 12;
const BETWEEN = ' | '.length;

/**
 * As a table where that fits the terminal, long cells cut; else each row as lines of its own. `width`: of the terminal;
 * undefined where nobody looks at one, and nothing is cut.
 */
export function renderRows(
  columns: readonly QueryColumn[],
  rows: readonly Row[],
  width: number | undefined,
): readonly string[] {
  const header = columns.map(({ name }) => printable(name));
  const cells = rows.map((row) => row.map((value) => printable(value ?? 'NULL')));
  const right = columns.filter(({ type }) => NUMERIC.test(type)).map(({ name }) => printable(name));
  const widths = header.map((title, at) => Math.max(textWidth(title), ...cells.map((row) => textWidth(row[at] ?? ''))));
  const limits = width === undefined ? widths : fitting(widths, width);
  if (limits !== undefined) {
    const cut = (row: readonly string[]): string[] => row.map((cell, at) => fit(cell, limits[at] ?? 0));
    return renderTable(cut(header), cells.map(cut), right);
  }
  const names = Math.max(...header.map(textWidth));
  return cells.flatMap((row, index) => [
    `row ${index + 1}`,
    ...row.map((cell, at) => fit(`  ${(header[at] ?? '').padEnd(names)} | ${cell}`, width ?? Infinity)),
  ]);
}

const NUMERIC = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/;

/** The widest columns give room first; undefined where there is too little. */
function fitting(widths: readonly number[], width: number): readonly number[] | undefined {
  const room = width - BETWEEN * (widths.length - 1);
  const least = widths.reduce((sum, each) => sum + Math.min(each, LEAST_CELLS), 0);
  if (least > room) return undefined;
  let most = Math.max(0, ...widths);
  const taken = (limit: number): number => widths.reduce((sum, each) => sum + Math.min(each, limit), 0);
  while (taken(most) > room) most -= 1;
  return widths.map((each) => Math.min(each, most));
}

/** RFC 4180, with NULL as nothing and an empty text as `""`, as PostgreSQL has it. */
export function csvLine(row: Row): string {
  const cell = (value: string | null): string => {
    if (value === null) return '';
    return value === '' || /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  };
  return `${row.map(cell).join(',')}\n`;
}

/** One object; every reader gets the value exactly: numbers that JavaScript would round are texts, as are decimals. */
export function jsonRow(columns: readonly QueryColumn[], row: Row): string {
  const names = uniqueNames(columns);
  const fields = row.map((value, at) => `${JSON.stringify(names[at])}: ${jsonValue(columns[at]?.type ?? '', value)}`);
  return `{${fields.join(', ')}}`;
}

function jsonValue(type: string, value: string | null): string {
  if (value === null) return 'null';
  if (type === 'BOOLEAN' && /^(?:true|false)$/.test(value)) return value;
  const whole = /^U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?$/.test(type);
  if (whole && Number.isSafeInteger(Number(value))) return value;
  if ((type === 'DOUBLE' || type === 'FLOAT') && /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(value)) return value;
  return JSON.stringify(value);
}

/** A second column of a name would replace the first. */
function uniqueNames(columns: readonly QueryColumn[]): readonly string[] {
  const seen = new Set<string>();
  return columns.map(({ name }) => {
    let unique = name;
    for (let next = 2; seen.has(unique); next += 1) unique = `${name}_${next}`;
    seen.add(unique);
    return unique;
  });
}

/** A value may hold an escape sequence, which a terminal would obey. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}
