/**
 * Shows a sync to people and monitors: the live page and the report, metrics for Prometheus, traces. Only cli comes in,
 * and only late, because prom-client and OpenTelemetry are heavy: a plain sync loads nothing of it (cli/lazy.ts). For
 * the same reason traces.ts is loaded past this door. Start at sync-watch.ts for what is gathered, page.ts for how it
 * is drawn. A failure in here must not change the sync's result.
 */
export { renderFleetPage } from './fleet-page';
export { createMetrics } from './metrics';
export { renderPage } from './page';
export type { SyncTraces, TraceOptions } from './traces';
export { SyncWatch } from './sync-watch';
export { startWatchServer } from './watch-server';
