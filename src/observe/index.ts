/** observe */
export { createMetrics } from './metrics';
export { renderPage } from './page';
export type { SyncTraces, TraceOptions } from './traces';
export { SyncWatch } from './sync-watch';
export { startWatchServer } from './watch-server';
