// The demo starts a PostgreSQL server, fills it with a sample shop, replicates it into
// files/warehouse.db with the built command line, and compares both.   demo.js [--rows N] [--region NAME] [--files FOLDER]
//
// The server and its files are gone afterwards, on failure and on Ctrl-C as well; files/ stays. A second
// run fills a fresh server and synchronizes it into the same warehouse again.
const { spawn } = require('node:child_process');
const { existsSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { Client } = require('pg');
const { startPostgres } = require('./postgres-server');
const { seedShop } = require('./seed');

const root = path.join(__dirname, '..', '..');
const main = path.join(root, 'dist', 'bin', 'pgsluice.js');
const DATABASE = 'shop';
// A signal ends the demo, which ends what it has started.
/** @type {NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
// A synchronization needs no more of a role than CONNECT, USAGE and SELECT.
const READER = { name: 'demo_reader', password: 'demo;only' };

/**
 * @typedef {{ rows: number, region: string | undefined, files: string }} Choices
 * @typedef {import('./postgres-server').ServerCoordinates} Server
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 */

/** @returns {Choices} */
function readArguments() {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '500000' },
      region: { type: 'string' },
      files: { type: 'string', default: path.join(root, 'files') },
    },
  });
  const rows = Number(values.rows);
  if (!Number.isSafeInteger(rows) || rows < 1) throw new Error('--rows must be a whole number, 1 or more.');
  return { rows, region: values.region, files: path.resolve(values.files) };
}

/**
 * Runs `action` with a client as superuser.
 * @template Result
 * @param {Server} server
 * @param {string} database
 * @param {(client: Client) => Promise<Result>} action
 */
async function withClient(server, database, action) {
  const { host, port, user, password } = server;
  const client = new Client({ host, port, user, password, database });
  client.on('error', () => {});
  await client.connect();
  try {
    return await action(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * @param {Server} server
 * @param {number} rows
 */
async function fill(server, rows) {
  await withClient(server, 'postgres', (client) => client.query(`CREATE DATABASE ${DATABASE}`));
  await withClient(server, DATABASE, async (client) => {
    await seedShop(client, rows);
    await client.query(`
      CREATE ROLE ${READER.name} LOGIN PASSWORD '${READER.password}';
      GRANT CONNECT ON DATABASE ${DATABASE} TO ${READER.name};
      GRANT USAGE ON SCHEMA public, archive TO ${READER.name};
      GRANT SELECT ON ALL TABLES IN SCHEMA public, archive TO ${READER.name}`);
  });
}

/**
 * Writes the configuration as a user would: every value is a string, and only its owner may read the file.
 * @param {string} folder
 * @param {Server} server
 * @param {Choices} choices
 */
function writeConfiguration(folder, server, { region, files }) {
  const file = path.join(folder, 'configuration.json');
  const configuration = {
    host: server.host,
    port: String(server.port),
    database: DATABASE,
    username: READER.name,
    password: READER.password,
    // Relative paths begin at the configuration's folder, which does not stay.
    warehouse_path: path.join(files, 'warehouse.db'),
    state_path: path.join(files, 'state.json'),
    ...(region === undefined ? {} : { region }),
  };
  writeFileSync(file, `${JSON.stringify(configuration, null, 2)}\n`, { mode: 0o600 });
  return file;
}

/**
 * Runs a pgsluice command, whose output is the demo's.
 * @param {string} command
 * @param {string} configuration
 * @param {Set<ChildProcess>} children
 * @returns {Promise<number>} its exit code
 */
function pgsluice(command, configuration, children) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, command, '--configuration', configuration], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...odbcEnvironment() },
    });
    children.add(child);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      children.delete(child);
      resolve(code ?? (signal === null ? 1 : 128 + os.constants.signals[signal]));
    });
  });
}

/**
 * Does what scripts/odbc-env.sh does, for a demo that is started without setup.sh.
 * @returns {NodeJS.ProcessEnv}
 */
function odbcEnvironment() {
  const folder = path.join(root, '.odbc');
  return existsSync(path.join(folder, 'odbcinst.ini')) ? { ODBCSYSINI: folder, ODBCINSTINI: 'odbcinst.ini' } : {};
}

/** @param {number} since */
function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/**
 * @param {Choices} choices
 * @param {string} folder for the configuration
 * @param {Set<ChildProcess>} children
 * @param {AbortSignal} interrupted
 * @returns {Promise<number>} an exit code
 */
async function demo(choices, folder, children, interrupted) {
  const { rows } = choices;
  const started = performance.now();
  const server = await startPostgres();
  // From here on a signal ends the server; what uses it then fails, or the running sync ends by itself.
  const stopServer = () => {
    if (children.size === 0) void server.close();
  };
  interrupted.addEventListener('abort', stopServer);
  try {
    interrupted.throwIfAborted();
    console.log(`demo: PostgreSQL listens on ${server.host}:${server.port} (${seconds(started)})`);
    const filling = performance.now();
    console.log(`demo: filling it with about ${rows.toLocaleString('en')} rows`);
    await fill(server, rows);
    interrupted.throwIfAborted();
    console.log(`demo: filled in ${seconds(filling)}; now: pgsluice sync --configuration configuration.json\n`);
    const configuration = writeConfiguration(folder, server, choices);
    const code = await pgsluice('sync', configuration, children);
    if (code !== 0 || interrupted.aborted) return code;
    console.log('\ndemo: now: pgsluice verify --configuration configuration.json\n');
    return await pgsluice('verify', configuration, children);
  } finally {
    await server.close();
  }
}

function printWhatNext() {
  console.log(`
demo: the warehouse is files/warehouse.db, the state files/state.json; the server is gone. Look at it:

  node dist/bin/pgsluice.js tables
  node dist/bin/pgsluice.js query "SELECT region, count(*), sum(total) FROM tester.source_public_orders GROUP BY ALL ORDER BY 1"

demo: run it again to synchronize a fresh server into the same warehouse; \`rm -r files\` starts over.`);
}

async function run() {
  const choices = readArguments();
  if (!existsSync(main)) throw new Error('dist/ is missing; run `npm run setup` first.');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pgsluice-demo-'));
  const interruption = new AbortController();
  /** @type {Set<ChildProcess>} */
  const children = new Set();
  /** @type {number | undefined} */
  let signalCode;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (signalCode !== undefined) return;
      signalCode = 128 + os.constants.signals[signal];
      // On a terminal, Ctrl-C has reached the sync too; a second SIGINT might cut its orderly end short.
      const alreadyThere = signal === 'SIGINT' && process.stdin.isTTY;
      if (!alreadyThere) for (const child of children) child.kill(signal);
      interruption.abort();
    });
  }
  try {
    const code = await demo(choices, folder, children, interruption.signal);
    if (code === 0 && signalCode === undefined) printWhatNext();
    return signalCode ?? code;
  } catch (error) {
    if (signalCode === undefined) throw error;
    return signalCode;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

run().then(
  (code) => process.exit(code),
  (error) => {
    console.error(`demo: ${error.message}`);
    process.exit(1);
  },
);
