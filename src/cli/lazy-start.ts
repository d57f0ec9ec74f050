/** Loads the steps of a start, for main alone: --version runs without yargs, and --help without winston. */
export const lazyStart = {
  commandLine: () => require('./command-line') as typeof import('./command-line'),
  every: () => require('./every') as typeof import('./every'),
  runCommand: () => require('./run-command') as typeof import('./run-command'),
  failure: () => require('./failure') as typeof import('./failure'),
  exitNow: () => require('../native/exit-now') as typeof import('../native/exit-now'),
};
