/**
 * Loads what a command needs only sometimes: a sync under cron runs without the bars of a terminal, and an unobserved
 * one without charts, metrics and OpenTelemetry. Nothing here may import a file that imports this one.
 */
export const lazy = {
  progress: () => require('./progress') as typeof import('./progress'),
  watching: () => require('./watching') as typeof import('./watching'),
  logDrop: () => require('../app/log/log-drop') as typeof import('../app/log/log-drop'),
  observe: () => require('../observe') as typeof import('../observe'),
  traces: () => require('../observe/traces') as typeof import('../observe/traces'),
};
