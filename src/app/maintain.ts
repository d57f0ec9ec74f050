/** Gives back room in the destination, where that has to be asked for. */
import { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import { placeOf } from '../destinations/place';
import { accessTo } from '../destinations/registry';
import type { Maintenance } from '../destinations/warehouse-access';

export type MaintenanceReport = Maintenance & { readonly place: string };

/** undefined: the destination takes care of its room itself. */
export async function runMaintenance(settings: Settings, signal: AbortSignal): Promise<MaintenanceReport | undefined> {
  const access = accessTo(settings);
  if (access.maintain === undefined) return undefined;
  const done = await access.maintain({ retentionHours: settings.lakeRetentionHours, now: new Date(), signal });
  if (signal.aborted)
    throw new ConnectorError('The maintenance was interrupted; what was done is kept.', {
      code: 'interrupted',
      kind: 'interrupted',
    });
  return { place: placeOf(settings) ?? '', ...done };
}
