// Prints the result of a query on the warehouse:  query.js "SELECT …" [files/warehouse.db]
const { existsSync } = require('node:fs');
const { DuckDBInstance } = require('@duckdb/node-api');

const MAX_ROWS = 100;
const MAX_CELL = 48;

/**
 * Shows a value on one line, and cuts a wide one.
 * @param {unknown} value
 */
function show(value) {
  const text = value === null ? 'NULL' : String(value).replaceAll(/\s+/g, ' ');
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text;
}

/**
 * @param {string[]} names
 * @param {unknown[][]} rows
 */
function printTable(names, rows) {
  const table = [names, ...rows.map((row) => row.map(show))];
  const widths = names.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  /** @type {(row: string[]) => string} */
  const line = (row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  console.log(line(names));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of table.slice(1)) console.log(line(row));
}

async function main() {
  const [sql, file = 'files/warehouse.db'] = process.argv.slice(2);
  if (sql === undefined) throw new Error('Usage: node scripts/query.js "SELECT …" [files/warehouse.db]');
  if (!existsSync(file)) throw new Error(`${file} does not exist; run \`npm run demo\` first, or name another file.`);
  // The file is opened read-only: a query must not keep a synchronization from starting, nor change its data.
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const reader = await connection.streamAndReadUntil(sql, MAX_ROWS);
  const rows = reader.getRows();
  printTable(reader.deduplicatedColumnNames(), rows.slice(0, MAX_ROWS));
  if (!reader.done || rows.length > MAX_ROWS) console.log(`… the first ${MAX_ROWS} rows`);
  connection.closeSync();
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
