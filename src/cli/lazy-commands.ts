/** Loads the commands, for run-command alone. Each loads only its own modules, so reset runs without ODBC. */
export const lazyCommands = {
  runEnd: () => require('./run-end') as typeof import('./run-end'),
  sync: () => require('./commands/sync') as typeof import('./commands/sync'),
  verify: () => require('./commands/verify') as typeof import('./commands/verify'),
  plan: () => require('./commands/plan') as typeof import('./commands/plan'),
  check: () => require('./commands/check') as typeof import('./commands/check'),
  status: () => require('./commands/status') as typeof import('./commands/status'),
  query: () => require('./commands/query') as typeof import('./commands/query'),
  tables: () => require('./commands/tables') as typeof import('./commands/tables'),
  monitor: () => require('./commands/monitor') as typeof import('./commands/monitor'),
  init: () => require('./commands/init') as typeof import('./commands/init'),
  serve: () => require('./commands/serve') as typeof import('./commands/serve'),
  completion: () => require('./commands/completion') as typeof import('./commands/completion'),
  forget: () => require('./commands/forget') as typeof import('./commands/forget'),
  log: () => require('./commands/log') as typeof import('./commands/log'),
  maintain: () => require('./commands/maintain') as typeof import('./commands/maintain'),
  reset: () => require('./commands/reset') as typeof import('./commands/reset'),
};
