/** One schema of the warehouse is filled by one database; see model/origin. */
import type { Settings } from '../config/settings';
import { compileTableFilter } from '../config/table-filter';
import type { Destination } from '../destinations/destination';
import { anotherDatabase, isAnotherDatabase, type Origin } from '../model/origin';
import type { SyncPlan } from '../model/plan';
import type { Discovery } from './discovery';

export function originOf(settings: Settings, { source, database }: Pick<Discovery, 'source' | 'database'>): Origin {
  const { dsn, host, port } = settings;
  return {
    source,
    database,
    server: dsn === undefined ? `${host ?? 'localhost'}:${port ?? 5432}` : `data source ${dsn}`,
  };
}

/** Throws where another database fills the schema, unless everything is to be loaded from the start. */
export async function claimSchema(
  destination: Destination,
  settings: Settings,
  discovery: Pick<Discovery, 'source' | 'database' | 'plan'>,
): Promise<void> {
  if (destination.origin === undefined) return;
  const now = originOf(settings, discovery);
  const before = await destination.origin();
  if (before !== undefined && isAnotherDatabase(before, now) && !loadsEverything(settings, discovery.plan))
    throw anotherDatabase(before, now, settings.destinationSchema);
  if (JSON.stringify(before) !== JSON.stringify(now)) await destination.putOrigin?.(now);
}

function loadsEverything({ fullResync }: Settings, { tables }: SyncPlan): boolean {
  if (fullResync.length === 0) return false;
  const filter = compileTableFilter(fullResync);
  return tables.every(({ table }) => filter.includes(table));
}
