/** Removes tables from the state and the history of a warehouse, and drops the tables themselves on request. */
import type { TablesToForget } from '../warehouse-access';
import { qualified } from './types';
import { Warehouse } from './warehouse';
import { forgetInRuns } from './run-history';
import { loadTableName, makeStateTable, storeStates } from './state-rows';

export interface ForgetOptions extends TablesToForget {
  readonly path: string;
  readonly schema: string;
}

const MEMORY_BYTES = 128_000_000;

/** Forgets all of them or none. Rejects with code `warehouse_locked` where a process has the warehouse. */
export async function forgetTables({ path, schema, keys, states, drop }: ForgetOptions): Promise<void> {
  const warehouse = await Warehouse.open({ path, memoryBytes: MEMORY_BYTES, threads: 1 });
  try {
    await warehouse.run('BEGIN TRANSACTION');
    await makeStateTable(warehouse);
    await storeStates(warehouse, schema, new Map(keys.map((key) => [key, null])));
    await forgetInRuns(warehouse, keys);
    for (const key of keys) {
      const name = states.get(key)?.destinationTable;
      if (name === undefined) continue;
      for (const each of drop ? [name, loadTableName(name)] : [loadTableName(name)])
        await warehouse.run(`DROP TABLE IF EXISTS ${qualified({ schema, name: each })}`);
    }
    await warehouse.endTransaction('COMMIT');
  } finally {
    await warehouse.close();
  }
}
