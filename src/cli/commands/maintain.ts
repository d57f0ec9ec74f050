import { runMaintenance, type MaintenanceReport } from '../../app/maintain';
import type { Command } from '../command';
import { exitCodeOfReport } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { formatBytes, formatInteger } from '../text-width';

/** Makes few files of many in a lake, and gives back the room of what nobody can need any more. */
export const maintain: Command = async (context) => {
  const report = await runMaintenance(context.settings, context.signal);
  if (wantsJson(context)) printJson(context, report === undefined ? null : jsonDocument(report));
  else context.output.print(report === undefined ? [NOTHING_TO_DO] : renderMaintenance(report));
  return exitCodeOfReport({ tables: report?.damaged ?? [] });
};

function jsonDocument({ damaged, ...report }: MaintenanceReport): unknown {
  return { ...report, damaged: damaged.map(({ table, error }) => ({ table, error: error.describe() })) };
}

const NOTHING_TO_DO = 'A warehouse file needs no maintenance: DuckDB uses the room of deleted rows again.';

export function renderMaintenance(report: MaintenanceReport): readonly string[] {
  const { rewritten, busy, damaged, expiredSnapshots, oldestSnapshot, deleted, orphaned, waitingFiles, graceHours } =
    report;
  const [foreign] = report.foreignFiles;
  const files = (count: number): string => `${formatInteger(count)} file${count === 1 ? '' : 's'}`;
  const freed = (bytes: number | undefined): string => (bytes === undefined ? '' : `, ${formatBytes(bytes)}`);
  return [
    `Lake ${report.place}`,
    ...rewritten.map(
      (each) =>
        `Rewrote ${files(each.files)} of ${each.table} (${formatInteger(each.rows)} rows, ${formatBytes(each.bytes)}) as ${formatInteger(each.into)}`,
    ),
    ...(rewritten.length === 0 ? ['No table has files that are worth rewriting'] : []),
    ...busy.map((table) => `Left ${table} as it is: a sync kept changing it meanwhile`),
    ...damaged.map(({ table, error }) => `Left ${table} as it is: ${error.describe()}`),
    `Forgot ${formatInteger(expiredSnapshots)} snapshots; the oldest that can be queried is ${oldestSnapshot}`,
    `Deleted ${files(deleted.files)}${freed(deleted.bytes)}`,
    ...(orphaned.files === 0
      ? []
      : [`Deleted ${files(orphaned.files)}${freed(orphaned.bytes)}, left by syncs that did not come to their end`]),
    ...(foreign === undefined
      ? []
      : [
          `Kept ${files(report.foreignFiles.length)} that no snapshot has, such as ${foreign}: they may be of another lake or program, so look and delete them yourself`,
        ]),
    ...(waitingFiles === 0
      ? []
      : [`Kept ${files(waitingFiles)} for ${graceHours} hours, since someone may still be reading them`]),
  ];
}
