/**
 * Shows a sync to whoever looks on: the live page and the report, metrics for Prometheus, traces. Only cli comes in, and
 * only late, since prom-client and OpenTelemetry are heavy: a plain sync loads nothing of it (cli/lazy.ts), and traces.ts
 * goes past this door for that reason. Start at sync-watch.ts for what is gathered, page.ts for how it is drawn.
 */
export { createMetrics } from './metrics';
export { renderPage } from './page';
export type { SyncTraces, TraceOptions } from './traces';
export { SyncWatch } from './sync-watch';
export { startWatchServer } from './watch-server';
