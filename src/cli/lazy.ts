/* eslint-disable @typescript-eslint/no-require-imports --
   A require inside a function is the only way to load a module late in CommonJS that Jest can follow as well. */

/**
 * Modules that are loaded when they are needed: --version answers without yargs, --help without winston,
 * reset without ODBC, and what runs under cron without the bars of a terminal.
 */
export const lazy = {
  commandLine: () => require('./command-line') as typeof import('./command-line'),
  failure: () => require('./failure') as typeof import('./failure'),
  runCommand: () => require('./run-command') as typeof import('./run-command'),
  sync: () => require('./commands/sync') as typeof import('./commands/sync'),
  verify: () => require('./commands/verify') as typeof import('./commands/verify'),
  plan: () => require('./commands/plan') as typeof import('./commands/plan'),
  check: () => require('./commands/check') as typeof import('./commands/check'),
  status: () => require('./commands/status') as typeof import('./commands/status'),
  monitor: () => require('./commands/monitor') as typeof import('./commands/monitor'),
  init: () => require('./commands/init') as typeof import('./commands/init'),
  serve: () => require('./commands/serve') as typeof import('./commands/serve'),
  completion: () => require('./commands/completion') as typeof import('./commands/completion'),
  forget: () => require('./commands/forget') as typeof import('./commands/forget'),
  reset: () => require('./commands/reset') as typeof import('./commands/reset'),
  progress: () => require('./progress') as typeof import('./progress'),
  wanted: () => require('./watching-wanted') as typeof import('./watching-wanted'),
  traces: () => require('../observe/traces') as typeof import('../observe/traces'),
  watching: () => require('./watching') as typeof import('./watching'),
  processStats: () => require('../native/process-stats') as typeof import('../native/process-stats'),
};
