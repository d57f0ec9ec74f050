import { counted } from '../../common/counted';
import { readStatus, type TableStatus, type WarehouseStatus } from '../../app/status';
import type { RunRecord } from '../../model/run-record';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { explainTerms } from '../plain-words';
import { renderRecords, wrap } from '../render-records';
import { formatAge, formatDuration, formatTime } from '../text-time';
import { formatBytes, formatCounted, formatInteger } from '../text-width';

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
  const table = found.tables.length === 0 ? ['No table has been synced yet.'] : renderTables(found.tables, now, width);
  return [
    ...wrap(`Warehouse ${found.warehouse}${size}`, width),
    ...locked,
    ...(found.published === null ? [] : wrap(`Published copy ${found.published}`, width)),
    '',
    ...table,
    ...(found.filteredOut === 0 ? [] : [`Left out by "table_filters": ${formatInteger(found.filteredOut)}`]),
    ...(found.slotWal === null
      ? []
      : wrap(
          `The replication slot kept ${formatBytes(found.slotWal.bytes)} of log on the disk of the source when the last sync began, ${formatAge(found.slotWal.at, now)} ago; \`pgsluice log status\` asks the source.`,
          width,
        )),
    ...found.tables.flatMap(({ table, lastError }) =>
      lastError === null
        ? []
        : wrap(`FAILED ${table}, ${formatAge(lastError.at, now)} ago: ${lastError.message}`, width),
    ),
    ...renderFound(found, width),
    ...(found.runs.length === 0 ? [] : ['', ...renderRuns(found.runs, width)]),
    ...terms(found.tables, table).flatMap((line) => wrap(line, width)),
  ];
}

/** Explains what the table shows: a narrow terminal leaves columns out. */
function terms(tables: readonly TableStatus[], table: readonly string[]): readonly string[] {
  const words = explainTerms({
    modes: tables.map(({ mode }) => mode),
    watermark:
      tables.some((each) => watermarkOf(each) !== NO_WATERMARK) && table.some((line) => line.includes('Watermark')),
    toLoad: tables.some(({ load }) => load !== null),
  });
  return words.length === 0 ? [] : ['', ...words];
}

function renderTables(tables: readonly TableStatus[], now: Date, width: number | undefined): readonly string[] {
  const showsProofs = tables.some(({ provenAt, differs }) => provenAt !== null || differs);
  const rows = tables.map((table) => [
    table.table,
    table.lastSyncedAt === null ? 'never' : formatTime(table.lastSyncedAt),
    table.lastSyncedAt === null ? 'never' : formatAge(table.lastSyncedAt, now),
    table.mode ?? '–',
    formatInteger(table.rows),
    watermarkOf(table),
    ...(showsProofs ? [proofOf(table, now)] : []),
    table.load === null
      ? '–'
      : `${counted(table.load.pendingRanges, 'range')} after ${formatCounted(table.load.rows, 'row')}`,
  ]);
  const header = [
    'Table',
    'Last sync',
    'Ago',
    'Mode',
    'Rows',
    'Watermark',
    ...(showsProofs ? ['Proven'] : []),
    'Still to load',
  ];
  return renderRecords(header, rows, { right: ['Rows'], optional: ['Last sync', 'Watermark'], width });
}

/** How long ago a sync last proved the table equal to its source. */
function proofOf({ provenAt, differs }: TableStatus, now: Date): string {
  if (differs) return 'differs';
  return provenAt === null ? 'never' : `${formatAge(provenAt, now)} ago`;
}

/** What the newest run of the history found, a line for each table that had changed. */
function renderFound({ tables, runs }: WarehouseStatus, width: number | undefined): readonly string[] {
  const [last] = runs;
  if (last === undefined) return [];
  const lines = tables.flatMap(({ table, rows, found }) => {
    if (found === null || found.at < last.startedAt || found.changed + found.deleted === 0) return [];
    const parts = [
      `${formatInteger(found.changed)} changed`,
      ...(found.deleted === 0 ? [] : [`${formatInteger(found.deleted)} marked deleted`]),
    ];
    return wrap(`${table}: ${parts.join(', ')} (${formatInteger(rows)} rows)`, width);
  });
  return lines.length === 0 ? [] : ['', `Found by the run of ${formatTime(last.startedAt)}:`, ...lines];
}

const NO_WATERMARK = '–';

/** The point from which the next pass reads on. */
function watermarkOf({ watermark, replicationKey, sinceTransaction }: TableStatus): string {
  if (watermark !== null) return `${replicationKey ?? ''} ${watermark}`.trim();
  return sinceTransaction === null ? NO_WATERMARK : `transaction ${sinceTransaction}`;
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
