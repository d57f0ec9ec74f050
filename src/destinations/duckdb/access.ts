/** The warehouse file for the commands that write no rows. */
import type { WarehouseAccess } from '../warehouse-access';
import { readWarehouse } from './contents';
import { forgetTables } from './forget-tables';
import { lockWarehouse, ownFiles } from './own-files';
import { allowReading } from './memory-room';
import { publish, publishedCopies } from './published';
import { openReader } from './reader';
import { WarehouseTable } from './verify/checksum';
import { Warehouse } from './warehouse';

/** Sums over a whole table spill to disk beyond this. */
const COMPARISON_BYTES = 512_000_000;

export function warehouseAccess(path: string, schema: string): WarehouseAccess {
  return {
    readContents: (runs) => readWarehouse(path, schema, runs),
    forgetTables: (tables) => forgetTables({ path, schema, ...tables }),
    lock: () => lockWarehouse(path),
    ownFiles: (statePath) => ownFiles(path, statePath),
    publish: (options) => publish(path, options),
    published: (folder) => publishedCopies(folder, path),
    openReader: () => openReader(path),
    openToCompare: async () => {
      const warehouse = await Warehouse.open({ path, memoryBytes: COMPARISON_BYTES, threads: 2, readOnly: true });
      await allowReading(warehouse, COMPARISON_BYTES);
      return {
        keepsZeroSigns: warehouse.storage.keepsZeroSigns,
        table: (table) => WarehouseTable.open(warehouse, table),
        interrupt: () => warehouse.interrupt(),
        close: () => warehouse.close(),
      };
    },
  };
}
