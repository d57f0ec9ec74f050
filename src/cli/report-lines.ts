import { renderTable } from './text-width';
import type { SyncReport } from '../model/report';

/** The end of a sync, in its usual form: the calls made, the verdict, and why tables failed. */
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
