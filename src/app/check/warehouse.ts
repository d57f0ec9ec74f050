/** Checks whether the warehouse can be written, and has room. */
import { counted } from '../../common/counted';
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { asConnectorError } from '../../common/errors';
import { anotherDatabase, isAnotherDatabase, type Origin } from '../../model/origin';
import type { Settings } from '../../config/settings';
import type { WarehouseContents } from '../../destinations/warehouse-access';
import { diskOf, fileOf, keepsRows, placeOf } from '../../destinations/place';
import { readContents } from '../../destinations/registry';
import type { SyncPlan } from '../../model/plan';
import { nearestExisting, whyNotWritten } from './files';
import { failure, ok, warning, type Finding } from './finding';

export async function checkWarehouse(settings: Settings): Promise<{
  readonly findings: readonly Finding[];
  readonly contents: WarehouseContents | undefined;
}> {
  if (!keepsRows(settings)) return { findings: [ok('warehouse', 'None: rows are discarded.')], contents: undefined };
  const path = placeOf(settings) ?? settings.warehousePath;
  const file = fileOf(settings);
  const reason = file === undefined ? undefined : whyNotWritten(file);
  if (reason !== undefined) {
    const advice = 'Allow it with chown or chmod, or name another file in the configuration.';
    return { findings: [failure('warehouse', reason, advice)], contents: undefined };
  }
  try {
    const contents = await readContents(settings, 1);
    const message =
      contents === undefined ? `${path} will be created` : `${path}, ${counted(contents.states.size, 'table')}`;
    return { findings: [ok('warehouse', message)], contents };
  } catch (error) {
    const { message, hint } = asConnectorError(error);
    return { findings: [failure('warehouse', message, hint)], contents: undefined };
  }
}

/**
 * A full load stands beside its table until it takes its place. DuckDB's columns are smaller than PostgreSQL's
 * heap, so the source's bytes are an upper bound, and the share that the warehouse takes of them a usual one.
 */
const WAREHOUSE_SHARE = 0.5;

export function checkDisk(
  settings: Settings,
  plan: SyncPlan,
  contents: WarehouseContents | undefined,
): readonly Finding[] {
  if (!keepsRows(settings)) return [];
  const folder = nearestExisting(dirname(diskOf(settings)));
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const source = plan.tables.reduce((sum, { table }) => sum + table.bytes, 0);
  const loaded = new Set(contents?.states.keys() ?? []);
  const missing = plan.tables
    .filter(({ table }) => !loaded.has(`${table.schema}.${table.name}`))
    .reduce((sum, { table }) => sum + table.bytes, 0);
  const largest = Math.max(0, ...plan.tables.map(({ table }) => table.bytes));
  // Replaced tables leave their room for the next ones; the largest table needs it twice.
  const most = missing + largest;
  const message = `${gigabytes(free)} free at ${folder}; the tables take ${gigabytes(source)} in PostgreSQL`;
  if (free >= most) return [ok('disk', message)];
  const advice = 'Free some space, or put the warehouse on another disk with "warehouse_path".';
  if (free < most * WAREHOUSE_SHARE) return [failure('disk', `${message}, which will probably not fit.`, advice)];
  return [warning('disk', `${message}, which may not fit.`, advice)];
}

function gigabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}

/** `before` is the database whose tables the warehouse holds. */
export function checkOrigin(settings: Settings, now: Origin, before: Origin | undefined): readonly Finding[] {
  if (before === undefined || !isAnotherDatabase(before, now)) return [];
  const { message, hint } = anotherDatabase(before, now, settings.destinationSchema);
  return [failure('warehouse', message, hint)];
}
