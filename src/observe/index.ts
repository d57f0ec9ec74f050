/** observe */
export { createMetrics } from './metrics';
export { renderPage } from './page';
export { SyncWatch } from './sync-watch';
export { startWatchServer } from './watch-server';
