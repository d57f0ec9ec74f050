/** The sync as Prometheus metrics: names by its conventions, with units; what a dashboard may rely on. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PlannedTable } from '../model/plan';
import type { SyncObserver } from '../model/report';
import type { Pressure } from '../model/resources';
import { tableKey } from '../model/table';

/** A label of its own for so many tables; the others share one, since a time series has its price. */
const MOST_LABELS = 500;
const OTHER = '(other)';

export interface SyncMetrics {
  readonly registry: Registry;
  readonly observer: SyncObserver;
  /** Whenever memory, CPU and disk were read. */
  resources(pressure: Pressure): void;
  ended(succeeded: boolean): void;
}

export function createMetrics(version: string): SyncMetrics {
  const registry = new Registry();
  const registers = [registry];
  // process_cpu_seconds_total, process_resident_memory_bytes, nodejs_eventloop_lag_seconds and their kin.
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `pgsluice_${name}`, help, registers });
  const byTable = (name: string, help: string): Counter =>
    new Counter({ name: `pgsluice_${name}`, help, labelNames: ['table'], registers });

  new Gauge({ name: 'pgsluice_build_info', help: 'Always 1', labelNames: ['version'], registers }).set({ version }, 1);
  const started = gauge('sync_start_time_seconds', 'When the sync began, seconds since 1970');
  started.set(Date.now() / 1000);
  const running = gauge('sync_running', '1 while the sync runs');
  running.set(1);
  const success = gauge('sync_success', '1 if the sync ended without a failed table; absent while it runs');
  registry.removeSingleMetric('pgsluice_sync_success');
  const tables = new Gauge({
    name: 'pgsluice_tables',
    help: 'Tables of the sync by state: waiting, running, done, failed',
    labelNames: ['state'],
    registers,
  });
  const estimated = gauge('estimated_rows', 'Rows of all tables, by the statistics of the server');
  const rows = byTable('rows_written_total', 'Rows accepted by the destination');
  const bytes = byTable('bytes_written_total', 'Characters of packed text accepted by the destination');
  const retries = byTable('retries_total', 'Attempts at a table that failed and were repeated');
  const errors = new Counter({
    name: 'pgsluice_table_errors_total',
    help: 'Tables that failed, by the code of the error',
    labelNames: ['table', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'pgsluice_table_duration_seconds',
    help: 'From the first statement of a table to its last commit',
    buckets: [0.1, 1, 10, 60, 300, 1800, 7200],
    registers,
  });
  const statements = new Histogram({
    name: 'pgsluice_statement_duration_seconds',
    help: 'Statements on the source, all connections',
    labelNames: ['outcome'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300],
    registers,
  });
  const commits = new Histogram({
    name: 'pgsluice_checkpoint_duration_seconds',
    help: 'Commits of data and state in the destination',
    buckets: [0.01, 0.05, 0.2, 1, 5, 30],
    registers,
  });
  const memory = gauge('memory_used_ratio', 'Memory in use, of what the process may really use, 0 to 1');
  const available = gauge('memory_available_bytes', 'Memory left to the process');
  const cpu = gauge('cpu_used_ratio', 'CPU in use, of what the process may really use, 0 to 1');
  const disk = gauge('disk_used_ratio', 'Disk of the warehouse in use, 0 to 1');
  const batch = gauge('batch_size_rows', 'Rows of the next batch, after pressure');
  const readers = gauge('readers', 'Connections that may read at once, after pressure');

  const labels = new Set<string>();
  const label = (table: PlannedTable): string => labelOf(tableKey(table.table));
  const labelOf = (key: string): string => {
    if (labels.has(key)) return key;
    if (labels.size >= MOST_LABELS) return OTHER;
    labels.add(key);
    return key;
  };
  const waiting = new Set<string>();
  const states = { waiting: 0, running: 0, done: 0, failed: 0 };
  const moved = (from: keyof typeof states | undefined, to: keyof typeof states, count = 1): void => {
    if (from !== undefined) states[from] -= count;
    states[to] += count;
    for (const [state, value] of Object.entries(states)) tables.set({ state }, value);
  };

  const observer: SyncObserver = {
    planned: (plan) => {
      for (const { table } of plan.tables) waiting.add(tableKey(table));
      moved(undefined, 'waiting', plan.tables.length);
      estimated.set(plan.tables.reduce((sum, { table }) => sum + table.estimatedRows, 0));
    },
    tableStarted: () => moved('waiting', 'running'),
    statement: ({ startedMs, endedMs, failed }) =>
      statements.observe({ outcome: failed ? 'error' : 'ok' }, (endedMs - startedMs) / 1000),
    rowsWritten: (table, count, size) => {
      rows.inc({ table: label(table) }, count);
      bytes.inc({ table: label(table) }, size);
    },
    checkpoint: (seconds) => commits.observe(seconds),
    retry: (table) => retries.inc({ table: label(table) }),
    tableFinished: (table, { seconds, error }) => {
      moved('running', error === undefined ? 'done' : 'failed');
      durations.observe(seconds);
      if (error !== undefined) errors.inc({ table: label(table), code: error.code });
    },
    // Of the plan, or not even that.
    tableLeftOut: ({ key, error }) => {
      moved(waiting.has(key) ? 'waiting' : undefined, 'failed');
      errors.inc({ table: labelOf(key), code: error?.code ?? 'unknown' });
    },
    sampled: (_pressure, batchRows, count) => {
      batch.set(batchRows);
      readers.set(count);
    },
  };
  return {
    registry,
    observer,
    resources: (pressure) => {
      setKnown(memory, pressure.memoryPercent / 100);
      setKnown(available, pressure.memoryAvailableBytes);
      setKnown(cpu, pressure.cpuPercent / 100);
      setKnown(disk, pressure.diskPercent / 100);
    },
    ended: (succeeded) => {
      running.set(0);
      registry.registerMetric(success);
      success.set(succeeded ? 1 : 0);
    },
  };
}

/** What is not known keeps its last value, rather than becoming NaN. */
function setKnown(gauge: Gauge, value: number): void {
  if (!Number.isNaN(value)) gauge.set(value);
}
