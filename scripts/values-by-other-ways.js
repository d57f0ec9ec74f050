// What becomes of the same value of PostgreSQL by pgsluice and by other ways, as the table that docs/TYPES.md holds.
//   values-by-other-ways.js [--write]      --write puts the table into docs/TYPES.md
// Brings its own PostgreSQL; installs pinned packages of PyPI into a temporary folder. Needs a build and python3-venv.
const { execFileSync, spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DuckDBInstance } = require('@duckdb/node-api');
const odbc = require('odbc');
const { Client } = require('pg');
const { startPostgres } = require('./demo/postgres-server');

const root = path.join(__dirname, '..');
const document = path.join(root, 'docs', 'TYPES.md');
const [BEGIN, END] = ['<!-- other ways -->', '<!-- /other ways -->'];
const DUCKDB_VERSION = '1.5.5';
const PACKAGES = [
  `duckdb==${DUCKDB_VERSION}`,
  `duckdb-extension-odbc-scanner==${DUCKDB_VERSION}`,
  `duckdb-extension-postgres-scanner==${DUCKDB_VERSION}`,
  'pyodbc==5.5.0',
];
// Connection strings of every way hold it without quoting.
const PASSWORD = 'plain';

/**
 * @typedef {{ type: string, text: string | null, error?: undefined } | { error: string }} Value what a way made of one
 * @typedef {{ versions: Record<string, string>, values: Value[] }} Read
 * @typedef {import('./demo/postgres-server').ServerCoordinates} Server
 */

/** @type {[type: string, text: string][]} types, and values as PostgreSQL shows them */
const VALUES = [
  ['numeric', '1.5'],
  ['numeric', '12345678901234567890.123456789'],
  ['numeric', 'NaN'],
  ['numeric', 'Infinity'],
  ['numeric(30,9)', '12345678901234567890.123456789'],
  ['money', '$12.34'],
  ['bigint', '9007199254740993'],
  ['real', '0.1'],
  ['double precision', '-0'],
  ['boolean', 'true'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['char(5)', 'ab'],
  ['date', 'infinity'],
  ['date', '0044-03-15 BC'],
  ['timestamp', '2024-02-29 12:34:56.123456'],
  ['timestamp', 'infinity'],
  ['timestamp', '294276-12-31 23:59:59'],
  ['timestamptz', '2024-07-01 12:00:00+02'],
  ['time', '12:34:56.123456'],
  ['interval', '1 mon 2 days 03:04:05.678901'],
  ['integer[]', '{1,2,NULL}'],
  ['jsonb', '{"a": 1.10}'],
  ['bytea', '\\x00ff'],
];
/** @param {number} index */
const tableOf = (index) => `value_${String(index + 1).padStart(2, '0')}`;
const tables = VALUES.map((_, index) => tableOf(index));

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {string[]} parameters
 * @param {{ cwd?: string, input?: string }} options
 * @returns {string} what it wrote
 */
function run(program, parameters, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, { ...options, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${path.basename(program)} failed: ${error?.message ?? stderr.trim()}\n${stdout}`);
  return stdout;
}

/**
 * @param {Server} server
 * @returns {Promise<string>} the version of the server
 */
async function createTables(server) {
  const client = new Client({ ...server, database: 'postgres' });
  await client.connect();
  try {
    for (const [index, [type, text]] of VALUES.entries()) {
      await client.query(`CREATE TABLE ${tableOf(index)} (id int PRIMARY KEY, v ${type})`);
      await client.query(`INSERT INTO ${tableOf(index)} VALUES (1, ${client.escapeLiteral(text)})`);
    }
    /** @type {import('pg').QueryResult<{ server_version: string }>} */
    const { rows } = await client.query('SHOW server_version');
    return rows[0]?.server_version.split(' ')[0] ?? 'unknown';
  } finally {
    await client.end();
  }
}

/**
 * @param {Server} server
 * @param {string} folder
 * @returns {Promise<Value[]>}
 */
async function byPgsluice(server, folder) {
  const configuration = path.join(folder, 'configuration.json');
  const warehouse = path.join(folder, 'warehouse.db');
  const { host, port, user, password } = server;
  const options = { host, port: String(port), database: 'postgres', username: user, password };
  const paths = { warehouse_path: warehouse, state_path: path.join(folder, 'state.json') };
  writeFileSync(configuration, JSON.stringify({ ...options, ...paths }));
  const main = path.join(root, 'dist', 'bin', 'pgsluice.js');
  run(process.execPath, [main, 'sync', '--configuration', configuration], { cwd: folder });
  const instance = await DuckDBInstance.create(warehouse, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    /** @type {Value[]} */
    const values = [];
    for (const table of tables) {
      const sql = `SELECT typeof(v), v::VARCHAR FROM tester.source_public_${table}`;
      const [type, text] = (await connection.runAndReadAll(sql)).getRows()[0] ?? [];
      values.push({ type: String(type), text: typeof text === 'string' ? text : null });
    }
    return values;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * @param {string} connectionString
 * @returns {Promise<Value[]>}
 */
async function byNodeOdbc(connectionString) {
  const connection = await odbc.connect(connectionString);
  try {
    /** @type {Value[]} */
    const values = [];
    for (const table of tables) {
      /** @type {{ v: unknown }[]} */
      const [{ v } = { v: undefined }] = await connection.query(`SELECT v FROM ${table}`);
      const text = v instanceof ArrayBuffer ? `\\x${Buffer.from(v).toString('hex')}` : Object.is(v, -0) ? '-0' : `${v}`;
      values.push({ type: v instanceof ArrayBuffer ? 'ArrayBuffer' : typeof v, text: v === null ? null : text });
    }
    return values;
  } finally {
    await connection.close();
  }
}

/**
 * @param {string} folder
 * @param {{ odbc: string, libpq: string, tables: string[] }} asked
 */
function byPython(folder, asked) {
  const virtual = path.join(folder, 'venv');
  run('python3', ['-m', 'venv', virtual]);
  const python = path.join(virtual, 'bin', 'python');
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
  const script = path.join(__dirname, 'values-by-other-ways.py');
  // A process each, so that none depends on what another one has loaded.
  /** @type {(way: string) => Read} */
  const read = (way) => JSON.parse(run(python, [script, way], { input: JSON.stringify(asked) }));
  return { pyodbc: read('pyodbc'), odbcScanner: read('odbc_scanner'), postgresScanner: read('postgres_scanner') };
}

/** The installed driver, as unixODBC calls it. */
function driverName() {
  const names = execFileSync('odbcinst', ['-q', '-d'], { encoding: 'utf8' }).match(/(?<=^\[).*(?=\]$)/gm) ?? [];
  const name = names.find((it) => /postgres.*unicode/i.test(it)) ?? names.find((it) => /postgres/i.test(it));
  if (name === undefined) throw new Error('No ODBC driver for PostgreSQL is registered: see scripts/setup.sh.');
  return name;
}

const MAX_TEXT = 60;
/** @param {string} text */
const quoted = (text) => (text === '' ? 'empty' : `\`${text.replaceAll('|', '\\|')}\``);

/** @param {Value} value */
function cell(value) {
  if (value.error !== undefined) return `error: ${value.error.slice(0, MAX_TEXT).replaceAll('|', '\\|')}`;
  const { type, text } = value;
  return text === null ? `NULL (${type})` : `${quoted(text)} (${type})`;
}

/**
 * @param {string} versions
 * @param {Record<string, Value[]>} columns the values by way, each in the order of VALUES
 */
function tableLines(versions, columns) {
  const header = `| Type | Value | ${Object.keys(columns).join(' | ')} |`;
  const rows = VALUES.map(
    ([type, text], index) =>
      `| \`${type}\` | ${quoted(text)} | ${Object.values(columns)
        .map((values) => cell(values[index] ?? { error: 'missing' }))
        .join(' | ')} |`,
  );
  return [versions, '', header, header.replaceAll(/[^|]+/g, ' --- '), ...rows];
}

/** @param {string[]} lines */
function write(lines) {
  const [before = '', rest = ''] = readFileSync(document, 'utf8').split(BEGIN);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`docs/TYPES.md needs the lines ${BEGIN} and ${END}.`);
  writeFileSync(document, `${before}${BEGIN}\n\n${lines.join('\n')}\n\n${END}${after}`);
}

async function main() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pgsluice-values-'));
  const server = await startPostgres({ password: PASSWORD });
  try {
    const { host, port, user } = server;
    const coordinates = { host, port, user, password: PASSWORD };
    const serverVersion = await createTables(coordinates);
    const connectionString = `DRIVER={${driverName()}};SERVER=${host};PORT=${port};DATABASE=postgres;UID=${user};PWD=${PASSWORD}`;
    const libpq = `host=${host} port=${port} dbname=postgres user=${user} password=${PASSWORD}`;
    const python = byPython(folder, { odbc: connectionString, libpq, tables });
    /** @type {{ version: string }} */
    const { version } = JSON.parse(readFileSync(require.resolve('odbc/package.json'), 'utf8'));
    const { driver, pyodbc } = python.pyodbc.versions;
    const versions =
      `PostgreSQL ${serverVersion}, ${driver}, pyodbc ${pyodbc}, npm odbc ${version}, ` +
      `DuckDB ${python.odbcScanner.versions.duckdb} with its extensions of that version.`;
    const lines = tableLines(versions, {
      pgsluice: await byPgsluice(coordinates, folder),
      pyodbc: python.pyodbc.values,
      'npm `odbc`': await byNodeOdbc(connectionString),
      'DuckDB `odbc_scanner`': python.odbcScanner.values,
      'DuckDB `postgres`': python.postgresScanner.values,
    });
    console.log(lines.join('\n'));
    if (process.argv.includes('--write')) write(lines);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
