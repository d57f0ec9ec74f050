/** The sync as Prometheus metrics. Names follow its conventions, with units, and dashboards rely on them. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PlannedTable } from '../model/plan';
import type { SyncObserver } from '../model/report';
import type { Pressure } from '../model/resources';
import { tableKey } from '../model/table';

/** This many tables get a label of their own; the others share one, because each time series costs memory. */
const MOST_LABELS = 500;
const OTHER = '(other)';

export interface SyncMetrics {
  readonly registry: Registry;
  readonly observer: SyncObserver;
  /** Called whenever memory, CPU and disk were read. */
  resources(pressure: Pressure): void;
  ended(succeeded: boolean): void;
}

const gauge =
  (name: string, help: string, ...labelNames: string[]) =>
  (registers: Registry[]): Gauge =>
    new Gauge({ name: `pgsluice_${name}`, help, labelNames, registers });
const counter =
  (name: string, help: string, ...labelNames: string[]) =>
  (registers: Registry[]): Counter =>
    new Counter({ name: `pgsluice_${name}`, help, labelNames, registers });
const histogram =
  (name: string, help: string, buckets: number[], ...labelNames: string[]) =>
  (registers: Registry[]): Histogram =>
    new Histogram({ name: `pgsluice_${name}`, help, buckets, labelNames, registers });

/** The order in which they are shown. */
const METRICS = {
  build: gauge('build_info', 'Always 1', 'version'),
  started: gauge('sync_start_time_seconds', 'When the sync began, seconds since 1970'),
  running: gauge('sync_running', '1 while the sync runs'),
  success: gauge('sync_success', '1 if the sync ended without a failed table; absent while it runs'),
  tables: gauge('tables', 'Tables of the sync by state: waiting, running, done, failed', 'state'),
  estimated: gauge('estimated_rows', 'Rows of all tables, by the statistics of the server'),
  rows: counter('rows_written_total', 'Rows accepted by the destination', 'table'),
  bytes: counter('bytes_written_total', 'Characters of packed text accepted by the destination', 'table'),
  retries: counter('retries_total', 'Attempts at a table that failed and were repeated', 'table'),
  errors: counter('table_errors_total', 'Tables that failed, by the code of the error', 'table', 'code'),
  proven: gauge(
    'table_proven_time_seconds',
    'When a sync last proved the table equal to its source, seconds since 1970; 0: never; only with verify_every',
    'table',
  ),
  durations: histogram(
    'table_duration_seconds',
    'From the first statement of a table to its last commit',
    [0.1, 1, 10, 60, 300, 1800, 7200],
  ),
  statements: histogram(
    'statement_duration_seconds',
    'Statements on the source, all connections',
    [0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300],
    'outcome',
  ),
  commits: histogram(
    'checkpoint_duration_seconds',
    'Commits of data and state in the destination',
    [0.01, 0.05, 0.2, 1, 5, 30],
  ),
  slotWal: gauge(
    'slot_retained_wal_bytes',
    'Log that the replication slot kept on the disk of the source when the sync began; absent without a slot',
    'slot',
  ),
  memory: gauge('memory_used_ratio', 'Memory in use, of what the process may really use, 0 to 1'),
  available: gauge('memory_available_bytes', 'Memory left to the process'),
  cpu: gauge('cpu_used_ratio', 'CPU in use, of what the process may really use, 0 to 1'),
  disk: gauge('disk_used_ratio', 'Disk of the warehouse in use, 0 to 1'),
  batch: gauge('batch_size_rows', 'Rows of the next batch, after pressure'),
  readers: gauge('readers', 'Connections that may read at once, after pressure'),
};

type Metrics = { readonly [K in keyof typeof METRICS]: ReturnType<(typeof METRICS)[K]> };

function register(registry: Registry): Metrics {
  return Object.fromEntries(Object.entries(METRICS).map(([key, create]) => [key, create([registry])])) as Metrics;
}

export function createMetrics(version: string): SyncMetrics {
  const registry = new Registry();
  // These are process_cpu_seconds_total, process_resident_memory_bytes, nodejs_eventloop_lag_seconds and similar ones.
  collectDefaultMetrics({ register: registry });
  const metrics = register(registry);
  registry.removeSingleMetric('pgsluice_sync_success');
  metrics.build.set({ version }, 1);
  metrics.started.set(Date.now() / 1000);
  metrics.running.set(1);
  return {
    registry,
    observer: observe(metrics),
    resources: (pressure) => {
      setKnown(metrics.memory, pressure.memoryPercent / 100);
      setKnown(metrics.available, pressure.memoryAvailableBytes);
      setKnown(metrics.cpu, pressure.cpuPercent / 100);
      setKnown(metrics.disk, pressure.diskPercent / 100);
    },
    ended: (succeeded) => {
      metrics.running.set(0);
      registry.registerMetric(metrics.success);
      metrics.success.set(succeeded ? 1 : 0);
    },
  };
}

function observe(metrics: Metrics): SyncObserver {
  const { tables, rows, bytes, retries, errors } = metrics;
  const labels = new Set<string>();
  const label = (table: PlannedTable): string => labelOf(tableKey(table.table));
  const labelOf = (key: string): string => {
    if (labels.has(key)) return key;
    if (labels.size >= MOST_LABELS) return OTHER;
    labels.add(key);
    return key;
  };
  const waiting = new Set<string>();
  const done = new Set<string>();
  const states = { waiting: 0, running: 0, done: 0, failed: 0 };
  const moved = (from: keyof typeof states | undefined, to: keyof typeof states, count = 1): void => {
    if (from !== undefined) states[from] -= count;
    states[to] += count;
    for (const [state, value] of Object.entries(states)) tables.set({ state }, value);
  };

  return {
    planned: (plan) => {
      for (const { table } of plan.tables) waiting.add(tableKey(table));
      moved(undefined, 'waiting', plan.tables.length);
      metrics.estimated.set(plan.tables.reduce((sum, { table }) => sum + table.estimatedRows, 0));
    },
    slotSeen: ({ slotName, bytes: kept }) => {
      if (kept !== null) metrics.slotWal.set({ slot: slotName }, kept);
    },
    tableStarted: () => moved('waiting', 'running'),
    statement: ({ startedMs, endedMs, failed }) =>
      metrics.statements.observe({ outcome: failed ? 'error' : 'ok' }, (endedMs - startedMs) / 1000),
    rowsWritten: (table, count, size) => {
      rows.inc({ table: label(table) }, count);
      bytes.inc({ table: label(table) }, size);
    },
    checkpoint: (seconds) => metrics.commits.observe(seconds),
    retry: (table) => retries.inc({ table: label(table) }),
    tableFinished: (table, { seconds, error }) => {
      moved('running', error === undefined ? 'done' : 'failed');
      if (error === undefined) done.add(tableKey(table.table));
      metrics.durations.observe(seconds);
      if (error !== undefined) errors.inc({ table: label(table), code: error.code });
    },
    // The table failed before it was planned, or was never planned.
    tableLeftOut: ({ key, error }) => {
      moved(waiting.has(key) ? 'waiting' : undefined, 'failed');
      errors.inc({ table: labelOf(key), code: error?.code ?? 'unknown' });
    },
    // The tables that share a label have no single time to tell.
    tableProven: (key, provenAt) => {
      if (labelOf(key) === key) metrics.proven.set({ table: key }, provenAt === null ? 0 : Date.parse(provenAt) / 1000);
    },
    proofFailed: ({ key, error }) => {
      if (done.has(key)) moved('done', 'failed');
      errors.inc({ table: labelOf(key), code: error?.code ?? 'unknown' });
    },
    sampled: (_pressure, batchRows, count) => {
      metrics.batch.set(batchRows);
      metrics.readers.set(count);
    },
  };
}

/** An unknown figure keeps its last value rather than becoming NaN. */
function setKnown(gauge: Gauge, value: number): void {
  if (!Number.isNaN(value)) gauge.set(value);
}
