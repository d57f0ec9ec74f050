import type { FleetSettings } from '../../src/config/settings';

/** The documented defaults of a fleet, but for the folder of its sources. */
export const FLEET_DEFAULTS: Omit<FleetSettings, 'sources'> = {
  queue: undefined,
  readers: 4,
  jobs: 2,
  partMegabytes: 256,
  drainSeconds: 20,
  maintain: '0 3 * * *',
};
