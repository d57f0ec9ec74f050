// Describes the machine that the numbers were measured on: without it they mean nothing.
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/**
 * @param {{ main: string, against: string | undefined, postgres: string, driver: string, ownServer: boolean }} measured
 * @returns {Record<string, string>}
 */
function describeMachine({ main, against, postgres, driver, ownServer }) {
  const cpu = os.cpus()[0]?.model.trim() ?? 'unknown processor';
  return {
    Date: new Date().toISOString().slice(0, 16).replace('T', ' ') + ' UTC',
    Processor: `${os.availableParallelism()} × ${cpu}`,
    Memory: `${(os.totalmem() / 1e9).toFixed(1)} GB`,
    System: `${os.type()} ${os.release()}`,
    'Load before': os.loadavg()[0]?.toFixed(2) ?? 'unknown',
    Node: process.versions.node,
    pgsluice: version(path.join(path.dirname(main), '..', '..', 'package.json')),
    ...(against === undefined ? {} : { '--against': commit(path.dirname(against)) }),
    DuckDB: version(require.resolve('@duckdb/node-api/package.json')),
    odbc: version(require.resolve('odbc/package.json')),
    PostgreSQL: `${postgres}, ${ownServer ? 'on this machine, started for this run' : 'a given server'}`,
    psqlODBC: driverVersion(driver),
  };
}

/**
 * @param {string} file a package.json
 * @returns {string}
 */
function version(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).version;
  } catch {
    return 'unknown';
  }
}

/**
 * Names the commit that a build is of, as far as its folder tells.
 * @param {string} folder
 */
function commit(folder) {
  try {
    return execFileSync('git', ['-C', folder, 'log', '-1', '--format=commit %h of %cs'], quiet).trim();
  } catch {
    return 'unknown';
  }
}

/** Finds the PostgreSQL driver that unixODBC knows, the Unicode one before the others; undefined without any. */
function postgresDriver() {
  const names = [...odbcinst('-d').matchAll(/^\[(.+)\]$/gm)].map((match) => match[1] ?? '');
  const candidates = names.filter((name) => /postgres|psqlodbc/i.test(name));
  return candidates.find((name) => /unicode|psqlodbcw/i.test(name)) ?? candidates[0];
}

/** @param {string} driver */
function driverVersion(driver) {
  const library = /^Driver\s*=\s*(.+)$/m.exec(odbcinst('-d', '-n', driver))?.[1] ?? '';
  try {
    const listing = execFileSync('dpkg', ['-S', library.includes('/') ? library : `*/${library}`], quiet);
    const owner = listing.split(':')[0] ?? '';
    return execFileSync('dpkg-query', ['--show', '--showformat=${Version}', owner], quiet);
  } catch {
    return library === '' ? 'unknown' : library;
  }
}

/** @type {{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }} */
const quiet = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };

/** @param {string[]} args */
function odbcinst(...args) {
  try {
    return execFileSync('odbcinst', ['-q', ...args], quiet);
  } catch {
    return '';
  }
}

module.exports = { describeMachine, postgresDriver };
