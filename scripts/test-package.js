// Packs the product, installs it as a user would, and syncs with it: `npm run test:package`. Not part of
// `npm test`, since installing compiles the npm package odbc (a minute on a slow machine).
const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { Client } = require('pg');
const { startPostgres } = require('./demo/postgres-server');

const root = join(__dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'pgsluice-package-'));
/** @type {{ version: string }} */
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// With Node's own headers at hand node-gyp downloads nothing.
const prefix = resolve(process.execPath, '..', '..');
const headers = existsSync(join(prefix, 'include/node/node_api.h')) ? { npm_config_nodedir: prefix } : {};

/**
 * @param {string} name
 * @param {() => void} action
 */
function step(name, action) {
  const started = Date.now();
  action();
  process.stdout.write(`ok: ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
}

/**
 * @param {string} name of the folder to install into
 * @param {string[]} options for npm
 */
function install(name, ...options) {
  const place = join(folder, name);
  mkdirSync(place);
  // npm 11 asks which packages may run scripts; older versions run all of them.
  const manifest = { private: true, allowScripts: { odbc: true, pgsluice: true } };
  writeFileSync(join(place, 'package.json'), JSON.stringify(manifest));
  const tarball = join(folder, `pgsluice-${version}.tgz`);
  execFileSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', '--foreground-scripts', ...options, tarball],
    {
      cwd: place,
      env: { ...process.env, ...headers },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  return place;
}

/**
 * @param {string} place where the package is installed
 * @param {string[]} parameters
 */
function pgsluice(place, ...parameters) {
  const run = spawnSync(join(place, 'node_modules/.bin/pgsluice'), parameters, { cwd: place, encoding: 'utf8' });
  return { code: run.status, said: `${run.stdout}${run.stderr}` };
}

/**
 * Makes a table to read, and the configuration that reads it.
 * @param {import('./demo/postgres-server').ServerCoordinates} server
 * @returns {Promise<string>} the file of the configuration
 */
async function prepare({ host, port, user, password }) {
  const configuration = join(folder, 'configuration.json');
  const values = {
    host,
    port: String(port),
    database: 'postgres',
    username: user,
    password,
    table_filters: 'things',
  };
  writeFileSync(configuration, JSON.stringify(values));
  const client = new Client({ host, port, user, password, database: 'postgres' });
  await client.connect();
  await client.query('CREATE TABLE things AS SELECT generate_series(1, 1000) AS id');
  await client.end();
  return configuration;
}

/**
 * Tests the package as npm installs it.
 * @param {string} configuration
 * @returns {string} where it is installed
 */
function testWhole(configuration) {
  let whole = '';
  step('installs', () => (whole = install('whole')));
  step('--version and --help', () => {
    assert.equal(pgsluice(whole, '--version').said.trim(), version);
    assert.match(pgsluice(whole, '--help').said, /pgsluice sync/);
  });
  step('keeps compiled code for the next start', () => {
    assert.ok(existsSync(join(whole, 'node_modules/pgsluice/build/bundle.cache')));
  });
  step('syncs, with the addon, and writes a report', () => {
    const report = join(whole, 'report.html');
    const { code, said } = pgsluice(whole, 'sync', '--configuration', configuration, '--report', report);
    assert.match(readFileSync(report, 'utf8'), /uPlot/);
    assert.equal(code, 0, said);
    assert.match(said, /Successfully processed table public\.things: 1000 records/);
    assert.doesNotMatch(said, /degraded/);
  });
  step('answers as a service', () => {
    const said = pgsluice(whole, 'serve', '--port', 'x').said;
    assert.match(said, /port/);
    const service = `require('@grpc/grpc-js'); require('@grpc/proto-loader').loadSync('dist/fivetran/fivetran_sdk.v2.proto')`;
    execFileSync(process.execPath, ['-e', service], { cwd: join(whole, 'node_modules/pgsluice') });
  });
  return whole;
}

/**
 * Tests the package where npm runs no scripts, so that nothing is compiled.
 * @param {string} configuration
 * @param {string} whole where the package is installed with everything
 */
function testBare(configuration, whole) {
  let bare = '';
  step('installs without running scripts', () => (bare = install('bare', '--ignore-scripts')));
  step('without the odbc package built: says how to build it, exit 3', () => {
    const { code, said } = pgsluice(bare, 'sync', '--configuration', configuration);
    assert.equal(code, 3, said);
    assert.match(said, /"odbc" cannot be loaded .*npm rebuild odbc/);
    assert.doesNotMatch(said, /\n\s+at /);
  });
  step('without the addon: syncs all the same, and says that it is degraded', () => {
    const odbc = join('node_modules', 'odbc');
    rmSync(join(bare, odbc), { recursive: true });
    cpSync(join(whole, odbc), join(bare, odbc), { recursive: true });
    // The table is unchanged since the sync with the addon, so it would not be read without this.
    const { code, said } = pgsluice(bare, 'sync', '--configuration', configuration, '--full-resync', '*');
    assert.equal(code, 0, said);
    assert.match(said, /WARNING Running degraded, without the native addon: /);
    assert.match(said, /Successfully processed table public\.things: 1000 records/);
  });
  step("where nothing can be compiled: installs the addon's substitute, with a word about it", () => {
    const addon = join(bare, 'node_modules/pgsluice');
    const run = spawnSync(process.execPath, ['scripts/install-native.js'], {
      cwd: addon,
      env: { ...process.env, ...headers, CXX: '/bin/false' },
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /native addon could not be built .*pgsluice works without it/);
  });
}

async function main() {
  execFileSync('npm', ['pack', '--pack-destination', folder, '--ignore-scripts'], { cwd: root, stdio: 'pipe' });
  const server = await startPostgres();
  try {
    const configuration = await prepare(server);
    testBare(configuration, testWhole(configuration));
  } finally {
    await server.close();
  }
}

main().then(
  () => rmSync(folder, { recursive: true, force: true }),
  (error) => {
    process.stderr.write(`${error.stack}\n${error.stderr ?? ''}\nLeft for inspection: ${folder}\n`);
    process.exitCode = 1;
  },
);
