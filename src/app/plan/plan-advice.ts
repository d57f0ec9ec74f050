/** Advises what a user could change about a plan, and what that would bring. */
import type { Settings } from '../../config/settings';
import { listTables } from './mode-groups';
import type { TableDetails } from './table-details';

/** As many as small tables have. */
const MORE_READERS = 4;

export function planAdvice(
  tables: readonly Pick<TableDetails, 'table' | 'category' | 'threads' | 'partitions' | 'readMethod'>[],
  settings: Pick<Settings, 'customThreads'>,
): readonly string[] {
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
