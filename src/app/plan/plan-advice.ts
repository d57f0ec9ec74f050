/** Advises what a user could change about a plan, and what that would bring. */
import type { Settings } from '../../config/settings';
import { gigabytes } from '../log/retained-wal';
import { listTables } from './mode-groups';
import type { TableDetails } from './table-details';

/** As many as small tables have. */
const MORE_READERS = 4;
/** How fast a table is scanned that comes from the disk (engine/plan/sync-modes: 32 GB in about a minute). */
const SCAN_BYTES_PER_SECOND = 32e9 / 60;

type AdvisedTable = Pick<
  TableDetails,
  'table' | 'category' | 'threads' | 'partitions' | 'readMethod' | 'bytes' | 'untrustedKey'
>;

export function planAdvice(
  tables: readonly AdvisedTable[],
  settings: Pick<Settings, 'customThreads'>,
): readonly string[] {
  return [...moreReaders(tables, settings), ...updateColumns(tables)];
}

/** What it would save, and cost, to trust an update column. */
function updateColumns(tables: readonly AdvisedTable[]): readonly string[] {
  const untrusted = tables.filter(({ untrustedKey }) => untrustedKey !== null);
  if (untrusted.length === 0) return [];
  const names = listTables(untrusted.map(({ table, untrustedKey }) => `${table} ${untrustedKey ?? ''}`));
  const bytes = untrusted.reduce((sum, table) => sum + table.bytes, 0);
  return [
    `Update columns (${names}): named as "replication_key" in "table_options", with "reconcile_every" above 1, they save a sync the scan of ${gigabytes(bytes)}, about ${(bytes / SCAN_BYTES_PER_SECOND).toFixed(1)} s from the disk. What they do not show (deletes, updates that leave them as they were) then arrives at every n-th sync only.`,
  ];
}

function moreReaders(tables: readonly AdvisedTable[], settings: Pick<Settings, 'customThreads'>): readonly string[] {
  if (settings.customThreads !== undefined) return [];
  // A cursor is one reader, whatever is configured, and so is a table of one part.
  const spared = tables.filter(
    ({ category, threads, partitions, readMethod }) =>
      category !== 'small' && readMethod === 'ranges' && threads < Math.min(MORE_READERS, partitions),
  );
  if (spared.length === 0) return [];
  const names = (category: TableDetails['category']): string =>
    listTables(spared.flatMap((table) => (table.category === category ? [table.table] : [])));
  const groups = [
    ...(names('medium') === '' ? [] : [`medium tables (${names('medium')}) 2`]),
    ...(names('large') === '' ? [] : [`large tables (${names('large')}) 1`]),
  ];
  return [
    `Readers, to spare the server: ${groups.join(', ')}. --custom-threads ${MORE_READERS} gives them ${MORE_READERS}: worth it if the server and this machine have idle cores. On two cores, 2 readers took 0.6 of the time of one.`,
  ];
}
