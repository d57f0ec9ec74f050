/**
 * What commands load when they need it: what runs under cron goes without the bars of a terminal, and a sync at which
 * nobody looks without charts, metrics and OpenTelemetry. Nothing here may import what imports this file.
 */
export const lazy = {
  progress: () => require('./progress') as typeof import('./progress'),
  watching: () => require('./watching') as typeof import('./watching'),
  logDrop: () => require('../app/log/log-drop') as typeof import('../app/log/log-drop'),
  traces: () => require('../observe/traces') as typeof import('../observe/traces'),
};
