// The scripts load the modules of the build through this file, so a module that moves within src is renamed only here.
// The types come from src, so that they exist on a checkout without a build as well.
// scripts/code-cache.js does without this file, because the package does not hold it.
const path = require('node:path');

const MODULES = {
  options: 'config/options.js',
  optionsTable: 'config/options-table.js',
  loadSettings: 'config/load-settings.js',
  syncRun: 'app/sync-run.js',
  referenceClient: 'fivetran/reference-client/platform.js',
  serviceDefinition: 'fivetran/service-definition.js',
  session: 'postgres/connection/session.js',
  processStats: 'native/process-stats.js',
  duckDbDestination: 'destinations/duckdb/destination.js',
  duckDbWarehouse: 'destinations/duckdb/warehouse.js',
  stateFile: 'destinations/state-file.js',
  fleetQueue: 'fleet/queue.js',
};

/**
 * @typedef {{
 *   options: typeof import('../src/config/options'),
 *   optionsTable: typeof import('../src/config/options-table'),
 *   loadSettings: typeof import('../src/config/load-settings'),
 *   syncRun: typeof import('../src/app/sync-run'),
 *   referenceClient: typeof import('../src/fivetran/reference-client/platform'),
 *   serviceDefinition: typeof import('../src/fivetran/service-definition'),
 *   session: typeof import('../src/postgres/connection/session'),
 *   processStats: typeof import('../src/native/process-stats'),
 *   duckDbDestination: typeof import('../src/destinations/duckdb/destination'),
 *   duckDbWarehouse: typeof import('../src/destinations/duckdb/warehouse'),
 *   stateFile: typeof import('../src/destinations/state-file'),
 *   fleetQueue: typeof import('../src/fleet/queue'),
 * }} BuiltModules
 */

const DIST = path.join(__dirname, '..', 'dist');

/**
 * @param {keyof BuiltModules} name
 * @param {string} [dist] another build than this project's
 */
function builtFile(name, dist = DIST) {
  return path.join(dist, MODULES[name]);
}

/**
 * Loads a module of the build.
 * @template {keyof BuiltModules} Name
 * @param {Name} name
 * @param {string} [dist] another build than this project's
 * @returns {BuiltModules[Name]}
 */
function built(name, dist = DIST) {
  return require(builtFile(name, dist));
}

module.exports = { built, builtFile };
