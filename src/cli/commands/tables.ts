import { placeOfRows } from '../../app/place-of-rows';
import { readTables, type WarehouseTable } from '../../app/read-warehouse';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { renderRecords } from '../render-records';
import { formatTime } from '../text-time';
import { formatBytes, formatInteger } from '../text-width';
import { readingOptions } from './query';

/** Lists what the warehouse holds, the tables of users included. */
export const tables: Command = async (context) => {
  const { settings, io, output } = context;
  const found = await readTables(settings, readingOptions(context));
  if (wantsJson(context)) printJson(context, { warehouse: placeOfRows(settings) ?? null, tables: found });
  else output.print(renderTables(found, io.stdout.isTTY === true ? io.stdout.columns : undefined));
  return EXIT.ok;
};

function renderTables(found: readonly WarehouseTable[], width: number | undefined): readonly string[] {
  if (found.length === 0) return ['The warehouse has no tables yet.'];
  const rows = found.map(({ table, source, rows: count, lastSyncedAt, bytes }) => [
    table,
    source ?? '–',
    formatInteger(count),
    formatTime(lastSyncedAt),
    bytes === null ? '–' : formatBytes(bytes),
  ]);
  const header = ['Table', 'Source', 'Rows', 'Last sync', 'Size'];
  return renderRecords(header, rows, { right: ['Rows', 'Size'], optional: ['Source'], width });
}
