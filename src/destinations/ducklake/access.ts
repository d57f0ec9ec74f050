/** A lake for the commands that write no rows. */
import { existsSync } from 'node:fs';
import { forgetIn, readerOf, WarehouseTable } from '../duckdb';
import { catalogFile } from '../lake-names';
import type { WarehouseAccess } from '../warehouse-access';
import type { LakePlace } from './catalog';
import { readLake } from './contents';
import { maintainLake } from './maintain';
import { LakeOwner } from './own-files';
import { LakeStates } from './state-rows';
import { openLake, storedDataPath } from './warehouse';

/** Sums over a whole table spill to disk beyond this. */
const COMPARISON_BYTES = 512_000_000;
const FORGETTING_BYTES = 128_000_000;

export function lakeAccess(place: LakePlace, schema: string): WarehouseAccess {
  const owner = new LakeOwner(place);
  return {
    readContents: (runs) => readLake(place, schema, runs),
    forgetTables: async (tables) => {
      const lake = await openLake({ ...place, memoryBytes: FORGETTING_BYTES, availableBytes: 0, threads: 1 });
      await forgetIn(lake, new LakeStates(), schema, tables);
    },
    lock: () => owner.lock(),
    ownFiles: (statePath) => owner.ownFiles(statePath),
    maintain: (options) => maintainLake(place, schema, options),
    openReader: async () => {
      const file = catalogFile(place.catalog);
      if (file !== undefined && !existsSync(file)) return undefined;
      const options = {
        ...place,
        memoryBytes: COMPARISON_BYTES,
        availableBytes: 0,
        threads: 2,
        readOnly: true,
      } as const;
      const lake = await openLake(options);
      return await readerOf(lake, await storedDataPath(lake));
    },
    openToCompare: async () => {
      const lake = await openLake({
        ...place,
        memoryBytes: COMPARISON_BYTES,
        availableBytes: 0,
        threads: 2,
        readOnly: true,
      });
      return {
        keepsZeroSigns: lake.storage.keepsZeroSigns,
        table: (table) => WarehouseTable.open(lake, table),
        interrupt: () => lake.interrupt(),
        close: () => lake.close(),
      };
    },
  };
}
