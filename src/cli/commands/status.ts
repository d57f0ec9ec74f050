import { readStatus, type TableStatus, type WarehouseStatus } from '../../app/status';
import type { RunRecord } from '../../model/run-record';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { renderRecords, wrap } from '../render-records';
import { formatAge, formatDuration, formatTime } from '../text-time';
import { formatBytes, formatInteger } from '../text-width';

/** Reads the warehouse without changing it, and asks no server. */
export const status: Command = async (context) => {
  const found = await readStatus(context.settings);
  if (wantsJson(context)) printJson(context, found);
  else context.output.print(renderStatus(found, new Date(), context.io.stdout.columns));
  return EXIT.ok;
};

export function renderStatus(found: WarehouseStatus, now: Date, width: number | undefined): readonly string[] {
  const locked =
    found.lockedBy === null
      ? []
      : wrap(
          `${found.lockedBy} What follows is from the state file, which is a moment behind, without history.`,
          width,
        );
  const size = found.bytes === null ? '' : ` (${formatBytes(found.bytes)})`;
  return [
    ...wrap(`Warehouse ${found.warehouse}${size}`, width),
    ...locked,
    ...(found.published === null ? [] : wrap(`Published copy ${found.published}`, width)),
    '',
    ...(found.tables.length === 0 ? ['No table has been synced yet.'] : renderTables(found.tables, now, width)),
    ...(found.filteredOut === 0 ? [] : [`Left out by "table_filters": ${formatInteger(found.filteredOut)}`]),
    ...found.tables.flatMap(({ table, lastError }) =>
      lastError === null
        ? []
        : wrap(`FAILED ${table}, ${formatAge(lastError.at, now)} ago: ${lastError.message}`, width),
    ),
    ...(found.runs.length === 0 ? [] : ['', ...renderRuns(found.runs, width)]),
  ];
}

function renderTables(tables: readonly TableStatus[], now: Date, width: number | undefined): readonly string[] {
  const rows = tables.map((table) => [
    table.table,
    table.lastSyncedAt === null ? 'never' : formatTime(table.lastSyncedAt),
    table.lastSyncedAt === null ? 'never' : formatAge(table.lastSyncedAt, now),
    table.mode ?? '–',
    formatInteger(table.rows),
    watermarkOf(table),
    table.load === null ? '–' : `${table.load.pendingRanges} ranges after ${formatInteger(table.load.rows)} rows`,
  ]);
  const header = ['Table', 'Last sync', 'Ago', 'Mode', 'Rows', 'Watermark', 'Still to load'];
  return renderRecords(header, rows, { right: ['Rows'], optional: ['Last sync', 'Watermark'], width });
}

/** The point from which the next pass reads on. */
function watermarkOf({ watermark, replicationKey, sinceTransaction }: TableStatus): string {
  if (watermark !== null) return `${replicationKey ?? ''} ${watermark}`.trim();
  return sinceTransaction === null ? '–' : `transaction ${sinceTransaction}`;
}

function renderRuns(runs: readonly RunRecord[], width: number | undefined): readonly string[] {
  const rate = (amount: number, seconds: number): number => (seconds > 0 ? amount / seconds : 0);
  const rows = runs.map((run) => {
    const failed = run.tables.filter((table) => table.error !== null).length;
    return [
      formatTime(run.startedAt),
      run.outcome.replaceAll('_', ' '),
      formatDuration(run.seconds),
      failed === 0 ? String(run.tableCount) : `${run.tableCount} (${failed} failed)`,
      formatInteger(run.rows),
      formatInteger(rate(run.rows, run.seconds)),
      (rate(run.bytes, run.seconds) / 1_000_000).toFixed(1),
      String(run.retries),
      run.snapshot === undefined ? '–' : String(run.snapshot),
    ];
  });
  const header = ['Last runs', 'Outcome', 'Time', 'Tables', 'Rows', 'Rows/s', 'MB/s', 'Retries', 'Snapshot'];
  const errors = runs.flatMap(({ startedAt, error }) =>
    error === null ? [] : wrap(`${formatTime(startedAt)}: ${error}`, width),
  );
  return [
    ...renderRecords(header, rows, {
      right: ['Time', 'Rows', 'Rows/s', 'MB/s', 'Retries', 'Snapshot'],
      optional: ['Retries', 'MB/s'],
      width,
    }),
    ...errors,
  ];
}
