// Exits 0 if node_modules holds what package-lock.json asks for. npm leaves a lock file of its own in
// node_modules, so a hand-run `npm install` counts as well as the `npm ci` of setup.sh.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');

/** @param {string} file */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');

/** Optional packages are those of other platforms, or could not be installed on this one. */
const isCurrent = ([path, entry]) =>
  path === '' ||
  installed[path]?.version === entry.version ||
  (entry.optional === true && installed[path] === undefined);

const current = wanted !== undefined && installed !== undefined && Object.entries(wanted).every(isCurrent);
process.exitCode = current ? 0 : 1;
