// Exits with 0 if node_modules holds what package-lock.json asks for. npm leaves a lock file of its own in
// node_modules, so an `npm install` by hand counts as well as the `npm ci` of setup.sh.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');

/** @typedef {{ version?: string, optional?: boolean }} Package */

/**
 * @param {string} file
 * @returns {Record<string, Package> | undefined}
 */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');

/**
 * An optional package may be missing: it is for another platform, or could not be installed on this one.
 * @param {Package} wantedPackage
 * @param {Package | undefined} present
 */
function isCurrent(wantedPackage, present) {
  return present?.version === wantedPackage.version || (wantedPackage.optional === true && present === undefined);
}

const current =
  wanted !== undefined &&
  installed !== undefined &&
  // The project itself stands under the empty path.
  Object.entries(wanted).every(([path, entry]) => path === '' || isCurrent(entry, installed[path]));
process.exitCode = current ? 0 : 1;
