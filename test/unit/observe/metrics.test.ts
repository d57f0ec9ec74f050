import { createMetrics } from '../../../src/observe/metrics';
import { emptyReport, plannedTable } from './sample-report';
import { PRESSURE, tableReport } from './watch-samples';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const orders = plannedTable('orders', 1000);
const items = plannedTable('items', 3000);

async function afterSync(): Promise<string> {
  const metrics = createMetrics('1.2.3');
  const { observer } = metrics;
  observer.planned?.({ tables: [orders, items] });
  observer.slotSeen?.({ slotName: 'pgsluice_shop', bytes: 2_000_000, limitBytes: null });
  observer.tableStarted?.(orders, 1, 2);
  observer.statement?.({ backendPid: 1, doing: 'reading public.orders', startedMs: 0, endedMs: 30, failed: false });
  observer.rowsWritten?.(orders, 600, 9000);
  observer.rowsWritten?.(orders, 400, 1000);
  observer.retry?.(orders, 1, 1);
  observer.sampled?.(PRESSURE, 5000, 4, 5000);
  observer.checkpoint?.(0.02);
  observer.tableFinished?.(orders, tableReport('public.orders'));
  observer.tableStarted?.(items, 2, 2);
  observer.tableProven?.('public.orders', '1970-01-02T00:00:00.000Z');
  observer.tableFinished?.(items, tableReport('public.items', 'Broken.'));
  metrics.resources(PRESSURE);
  const running = await metrics.registry.metrics();
  expect(running).toMatch(/^pgsluice_sync_running 1$/m);
  expect(running).not.toContain('pgsluice_sync_success');
  metrics.ended(emptyReport.tables.length > 0);
  return await metrics.registry.metrics();
}

describe('metrics', () => {
  it('count a table that cannot even be begun as failed, planned or not', async () => {
    const metrics = createMetrics('1');
    metrics.observer.planned?.({ tables: [orders, items] });
    metrics.observer.tableLeftOut?.(tableReport('public.items', 'Its name is taken.'));
    metrics.observer.tableLeftOut?.(tableReport('public.secrets', 'No right.'));
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/^pgsluice_tables\{state="waiting"\} 1$/m);
    expect(text).toMatch(/^pgsluice_tables\{state="failed"\} 2$/m);
    expect(text).toContain('pgsluice_table_errors_total{table="public.secrets",code="lost"} 1');
  });

  it('tell when each table was proven, and count one that differs as failed', async () => {
    const metrics = createMetrics('1');
    const { observer } = metrics;
    observer.planned?.({ tables: [orders, items] });
    observer.tableStarted?.(orders, 1, 2);
    observer.tableFinished?.(orders, tableReport('public.orders'));
    observer.tableProven?.('public.items', '1970-01-02T00:00:00.000Z');
    observer.tableProven?.('public.orders', null);
    observer.proofFailed?.(tableReport('public.orders', 'It differs.'));
    const text = await metrics.registry.metrics();
    for (const line of [
      'pgsluice_table_proven_time_seconds{table="public.items"} 86400',
      'pgsluice_table_proven_time_seconds{table="public.orders"} 0',
      'pgsluice_tables{state="done"} 0',
      'pgsluice_tables{state="failed"} 1',
      'pgsluice_table_errors_total{table="public.orders",code="lost"} 1',
    ])
      expect(text.split('\n')).toContain(line);
  });

  it('count rows, tables, retries, errors and commits', async () => {
    const text = await afterSync();
    for (const line of [
      'pgsluice_rows_written_total{table="public.orders"} 1000',
      'pgsluice_bytes_written_total{table="public.orders"} 10000',
      'pgsluice_retries_total{table="public.orders"} 1',
      'pgsluice_table_errors_total{table="public.items",code="lost"} 1',
      'pgsluice_tables{state="waiting"} 0',
      'pgsluice_tables{state="running"} 0',
      'pgsluice_tables{state="done"} 1',
      'pgsluice_tables{state="failed"} 1',
      'pgsluice_statement_duration_seconds_count{outcome="ok"} 1',
      'pgsluice_checkpoint_duration_seconds_count 1',
      'pgsluice_memory_used_ratio 0.5',
      'pgsluice_cpu_used_ratio 0.3',
      'pgsluice_batch_size_rows 5000',
      'pgsluice_readers 4',
      'pgsluice_slot_retained_wal_bytes{slot="pgsluice_shop"} 2000000',
      'pgsluice_sync_running 0',
      'pgsluice_sync_success 0',
      'pgsluice_build_info{version="1.2.3"} 1',
    ])
      expect(text.split('\n')).toContain(line);
  });

  it('escape a table name that tries to be a metric of its own', async () => {
    const metrics = createMetrics('1');
    const hostile = plannedTable('t"} 1\npgsluice_sync_success 1\n#');
    metrics.observer.rowsWritten?.(hostile, 1, 1);
    expect(await metrics.registry.metrics()).not.toMatch(/^pgsluice_sync_success/m);
  });

  it('give labels to 500 tables and put the rest together', async () => {
    const metrics = createMetrics('1');
    for (let number = 0; number < 700; number += 1) metrics.observer.rowsWritten?.(plannedTable(`t${number}`), 2, 2);
    const text = await metrics.registry.metrics();
    expect(text.match(/^pgsluice_rows_written_total/gm)).toHaveLength(501);
    expect(text).toContain('pgsluice_rows_written_total{table="(other)"} 400');
  });

  it('follow the conventions: base units in the name, totals for counters', async () => {
    const metrics = await createMetrics('1').registry.getMetricsAsJSON();
    for (const { name, type } of metrics.filter((metric) => metric.name.startsWith('pgsluice_'))) {
      if (String(type) === 'counter') expect(name).toMatch(/_total$/);
      expect(name).not.toMatch(/_(ms|kb|mb|percent|millis)/i);
    }
  });
});

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describe('the Grafana dashboard in docs/', () => {
  const path = join(__dirname, '../../../docs/grafana-dashboard.json');
  const dashboard = JSON.parse(readFileSync(path, 'utf8')) as { readonly panels: readonly Panel[] };

  it('asks only for metrics that there are', async () => {
    const text = await afterSync();
    const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(8);
    for (const expression of expressions) {
      const names = expression.match(/\b(?:pgsluice|process|nodejs)_[a-z_]+/g) ?? [];
      expect(names.length).toBeGreaterThan(0);
      for (const name of names) expect(text).toMatch(new RegExp(`^${name}[{ ]`, 'm'));
    }
  });
});
