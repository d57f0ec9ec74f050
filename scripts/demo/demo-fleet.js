// Shows a fleet: a PostgreSQL of its own, the databases of three tenants, one lake, and two workers, of which one is
// killed in the middle. It ends with `verify` for each tenant.
const { spawn } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');
const { Client } = require('pg');
const { connectionString, startPostgres } = require('./postgres-server');
const { seedShop } = require('./seed');

const root = path.join(__dirname, '..', '..');
const main = path.join(root, 'dist', 'bin', 'pgsluice.js');
const TENANTS = ['acme', 'globex', 'initech'];
const ROWS = Number(process.env.PGSLUICE_DEMO_ROWS ?? 60_000);
// A pass over three small tenants takes seconds; a machine that is busy with other things takes longer.
const MOST_SECONDS = 300;

/** @typedef {import('./postgres-server').PostgresServer} Server */
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** @type {Set<ChildProcess>} */
const children = new Set();

/**
 * @param {Server} server
 * @param {string} database
 * @param {(client: Client) => Promise<unknown>} action
 */
async function withClient({ host, port, user, password }, database, action) {
  const client = new Client({ host, port, user, password, database });
  await client.connect();
  try {
    await action(client);
  } finally {
    await client.end();
  }
}

/**
 * Writes the fleet's configuration, and one for each tenant. The passwords stay in the environment of the workers.
 * @param {string} folder
 * @param {Server} server
 */
function writeConfigurations(folder, server) {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const version = manifest.dependencies['@duckdb/node-api'].split('-')[0];
  const extensions = path.join(root, '.extensions', version);
  const lake = {
    destination: 'ducklake',
    lake_catalog: connectionString(server, 'lake'),
    lake_data_path: path.join(folder, 'lake'),
    ...(existsSync(extensions) ? { lake_extensions: extensions } : {}),
  };
  write(path.join(folder, 'configuration.json'), { ...lake, fleet_sources: 'sources', fleet_jobs: '2' });
  mkdirSync(path.join(folder, 'sources'));
  for (const tenant of TENANTS) {
    const { host, port, user } = server;
    write(path.join(folder, 'sources', `${tenant}.json`), {
      ...{ ...lake, host, port: String(port), database: tenant, username: user },
      ...{ schedule: '0 * * * *', destination_schema: `tenant_${tenant}` },
    });
  }
}

/**
 * @param {string} file
 * @param {Record<string, string>} configuration
 */
function write(file, configuration) {
  writeFileSync(file, `${JSON.stringify(configuration, null, 2)}\n`, { mode: 0o600 });
}

/**
 * @param {string[]} words
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 * @returns {ChildProcess}
 */
function start(words, folder, env) {
  console.log(`\ndemo: pgsluice ${words.join(' ')}`);
  const child = spawn(process.execPath, [main, ...words], {
    cwd: folder,
    stdio: 'inherit',
    env: { ...process.env, ...odbcEnvironment(), ...env },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/**
 * @param {string[]} words
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env
 */
async function run(words, folder, env) {
  const child = start(words, folder, env);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`pgsluice ${words.join(' ')} ended with ${String(code)}.`);
}

/** @returns {NodeJS.ProcessEnv} */
function odbcEnvironment() {
  const folder = path.join(root, '.odbc');
  return existsSync(path.join(folder, 'odbcinst.ini')) ? { ODBCSYSINI: folder, ODBCINSTINI: 'odbcinst.ini' } : {};
}

/**
 * How many jobs there are in a state.
 * @param {Server} server
 * @param {string} states
 * @param {string} [queue] all of them when left out
 */
async function count(server, states, queue = '%') {
  let found = 0;
  await withClient(server, 'lake', async (client) => {
    const { rows } = await client.query(
      `SELECT count(*)::int AS n FROM pgsluice_fleet.job WHERE state IN (${states}) AND name LIKE $1`,
      [queue],
    );
    found = rows[0].n;
  });
  return found;
}

/**
 * @param {() => Promise<boolean>} reached
 * @param {string} what
 */
async function until(reached, what) {
  for (let waited = 0; !(await reached()); waited += 0.05) {
    if (waited > MOST_SECONDS) throw new Error(`${what} did not happen within ${MOST_SECONDS} s.`);
    await delay(50);
  }
}

/** @param {string} folder */
async function demo(folder) {
  const server = await startPostgres();
  try {
    console.log(`demo: PostgreSQL listens on ${server.host}:${server.port}; filling ${TENANTS.join(', ')}`);
    await withClient(server, 'postgres', async (client) => {
      for (const database of ['lake', ...TENANTS]) await client.query(`CREATE DATABASE ${database}`);
    });
    for (const tenant of TENANTS) await withClient(server, tenant, (client) => seedShop(client, ROWS));
    writeConfigurations(folder, server);
    const passwords = Object.fromEntries(
      TENANTS.map((tenant) => [`PGSLUICE_PASSWORD_${tenant.toUpperCase()}`, server.password]),
    );
    await run(['fleet', 'init'], folder, {});
    await run(['fleet', 'sync', '--all'], folder, {});
    const first = start(['fleet', 'work'], folder, passwords);
    const second = start(['fleet', 'work'], folder, passwords);
    // On a fast machine the first tables may be there before anybody looks.
    const begun = async () =>
      (await count(server, "'active'", 'work')) > 0 || (await count(server, "'completed'", 'work')) > 0;
    await until(begun, 'The first job of tables');
    console.log('\ndemo: kill -9 of the first worker; the second one takes over what it had\n');
    first.kill('SIGKILL');
    const started = Date.now();
    await until(async () => (await count(server, "'created', 'retry', 'active'")) === 0, 'The end of all jobs');
    console.log(`\ndemo: nothing is left to do, ${((Date.now() - started) / 1000).toFixed(1)} s after the kill`);
    await run(['fleet', 'status'], folder, {});
    const drained = new Promise((resolve) => second.once('exit', resolve));
    second.kill('SIGTERM');
    await drained;
    for (const tenant of TENANTS)
      await run(['verify', '--configuration', path.join('sources', `${tenant}.json`), '-q'], folder, {
        PGSLUICE_PASSWORD: server.password,
      });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await server.close();
  }
}

async function showFleet() {
  if (!existsSync(main)) throw new Error('dist/ is missing; run `npm run setup` first.');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pgsluice-demo-fleet-'));
  const stop = () => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    await demo(folder);
    console.log('\ndemo: every tenant is equal to its source, and the server and the lake are gone.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

showFleet().catch((/** @type {Error} */ error) => {
  console.error(`demo: ${error.message}`);
  process.exit(1);
});
