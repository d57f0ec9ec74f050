import { formatBytes, formatInteger, renderTable } from './text-width';
import type { SyncPlan } from '../model/plan';
import type { SyncReport } from '../model/report';
import { tableKey } from '../model/table';

/** The end of a sync, as people know it: the calls made, the verdict, and why tables failed. */
export function renderReport(report: SyncReport): readonly string[] {
  const { operations } = report;
  const calls: readonly (readonly [string, number])[] = [
    ['Upserts', operations.upserts],
    ['Updates', operations.updates],
    ['Deletes', operations.deletes],
    ['Truncates', operations.truncates],
    ['SchemaChanges', operations.schemaChanges],
    ['Checkpoints', operations.checkpoints],
  ];
  const failed = report.tables.flatMap((table) =>
    table.error === undefined ? [] : [`${table.key}: ${table.error.describe()}`],
  );
  return [
    '',
    ...renderTable(
      ['Operation', 'Calls'],
      calls.map(([name, count]) => [name, String(count)]),
    ),
    '',
    failed.length === 0 ? 'Sync SUCCEEDED' : 'Sync FAILED',
    ...failed,
  ];
}

/** What a sync would read, in its order. */
export function renderPlan(plan: SyncPlan): readonly string[] {
  const rows = plan.tables.map(({ table, ...planned }) => [
    tableKey(table),
    planned.category,
    formatInteger(table.estimatedRows),
    formatBytes(table.bytes),
    planned.readMethod,
    formatInteger(planned.batchRows),
    String(planned.threads),
    table.primaryKey.length === 0 ? '–' : table.primaryKey.join(', '),
  ]);
  const header = ['Table', 'Category', 'Rows (est.)', 'Size', 'Read by', 'Batch', 'Threads', 'Primary key'];
  return ['', ...renderTable(header, rows, ['Rows (est.)', 'Size', 'Batch', 'Threads'])];
}
