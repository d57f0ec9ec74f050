// Lays out tables: for a terminal, and in Markdown.

/**
 * A table is its header and its rows.
 * @typedef {[header: string[], ...rows: string[][]]} Table
 */

/**
 * Leaves the descriptions out of a table that would be too wide for a terminal with them.
 * @param {Table} table
 * @returns {Table}
 */
function narrowed([header, ...rows]) {
  /** @type {(row: string[]) => string[]} */
  const narrow = (row) => row.filter((_, index) => header[index] !== 'what' || row.length < 6);
  return [narrow(header), ...rows.map(narrow)];
}

/** @param {Table} table */
function aligned(table) {
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => String(row[column] ?? '').length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        isNumeric(table, column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [
    `  ${lines[0]}`,
    `  ${widths.map((width) => '-'.repeat(width)).join('  ')}`,
    ...lines.slice(1).map((line) => `  ${line}`),
  ].join('\n');
}

/**
 * @param {Table} table
 * @param {number} column
 */
function isNumeric(table, column) {
  return table.slice(1).every((row) => /^[\d.,–]+$/.test(row[column] ?? ''));
}

/** @param {Table} table */
function markdownTable(table) {
  /** @type {(cells: string[]) => string} */
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = table[0].map((_, column) => (isNumeric(table, column) ? '---:' : '---'));
  return [line(table[0]), line(rule), ...table.slice(1).map(line)];
}

module.exports = { aligned, markdownTable, narrowed };
