/** Sorts tables by size and category: what will be synced, in which order, and how. */
import { plural } from '../../common/counted';
import type { PlannedTable, SyncPlan, TableCategory } from '../../model/plan';
import type { TableSchema } from '../../model/table';
import type { ModeDecision } from './sync-modes';
import { parametersFor, type ParameterOptions } from '../pressure';

const ORDER: Readonly<Record<TableCategory, number>> = { small: 0, medium: 1, large: 2 };

/** Small tables first, then medium, then large, each by row count. */
export function createPlan(
  tables: readonly TableSchema[],
  options: ParameterOptions,
  decide: (table: TableSchema, batchRows: number) => ModeDecision,
): SyncPlan {
  const planned = tables.map((table): PlannedTable => {
    const { category, batchRows, threads, queueRows, partitionRows, checkpointRows } = parametersFor(
      table.estimatedRows,
      table.columns.length,
      options,
    );
    const { mode, reason, replicationKey, untrustedKey } = decide(table, batchRows);
    const ranges = table.relations.every((relation) => relation.rangeReadable);
    return {
      table,
      category,
      readMethod: ranges ? 'ranges' : 'cursor',
      mode,
      modeReason: reason,
      replicationKey,
      ...(untrustedKey === undefined ? {} : { untrustedKey }),
      batchRows,
      threads,
      queueRows,
      partitionRows,
      checkpointRows,
    };
  });
  planned.sort((a, b) => ORDER[a.category] - ORDER[b.category] || a.table.estimatedRows - b.table.estimatedRows);
  return { tables: planned };
}

/** The plan in the words that operators know from their logs, one line per entry. */
export function describePlan(plan: SyncPlan): string[] {
  const of = (category: TableCategory): readonly PlannedTable[] =>
    plan.tables.filter((table) => table.category === category);
  const rows = (tables: readonly PlannedTable[]): number =>
    tables.reduce((sum, { table }) => sum + table.estimatedRows, 0);
  const lines = ['='.repeat(60), 'SYNC PROCESSING PLAN', '='.repeat(60)];
  for (const category of ['small', 'medium', 'large'] as const) {
    const tables = of(category);
    if (tables.length === 0) continue;
    lines.push(`${category.toUpperCase()} TABLES (${tables.length}):`);
    for (const { table, batchRows, threads, readMethod, mode, modeReason } of tables.slice(0, LISTED_TABLES)) {
      lines.push(
        `  ${table.schema}.${table.name}: about ${count(table.estimatedRows)} ${plural(Math.round(table.estimatedRows), 'row')}, batch ${count(batchRows)}, threads ${threads}${readMethod === 'cursor' ? ', cursor' : ''}, mode ${mode} (${modeReason})`,
      );
    }
    if (tables.length > LISTED_TABLES) lines.push(`  … and ${tables.length - LISTED_TABLES} more`);
  }
  lines.push('SUMMARY STATISTICS');
  lines.push(
    `  Tables: ${plan.tables.length} (small ${of('small').length}, medium ${of('medium').length}, large ${of('large').length})`,
  );
  lines.push(`  Rows: about ${count(rows(plan.tables))}`);
  lines.push(
    `  Size: about ${(plan.tables.reduce((sum, { table }) => sum + table.bytes, 0) / 1_000_000).toFixed(1)} MB`,
  );
  return lines;
}

/** More lines than this hide the summary; `pgsluice plan` shows them all. */
const LISTED_TABLES = 20;

function count(rows: number): string {
  return String(Math.round(rows)).replace(/\B(?=(\d{3})+$)/g, ',');
}
