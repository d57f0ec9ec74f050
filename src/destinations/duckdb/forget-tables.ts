/** Removes tables from the state and the history of a warehouse, and drops the tables themselves on request. */
import type { TablesToForget } from '../warehouse-access';
import { assertYoung, transactionClock } from './transaction-age';
import { qualified } from './types';
import { Warehouse } from './warehouse';
import { forgetInRuns } from './run-history';
import { FILE_STATES, loadTableName, type StateRows } from './state-rows';

export interface ForgetOptions extends TablesToForget {
  readonly path: string;
  readonly schema: string;
}

const MEMORY_BYTES = 128_000_000;

/** Forgets all of them or none. Rejects with code `warehouse_locked` where a process has the warehouse. */
export async function forgetTables({ path, schema, ...tables }: ForgetOptions): Promise<void> {
  await forgetIn(await Warehouse.open({ path, memoryBytes: MEMORY_BYTES, threads: 1 }), FILE_STATES, schema, tables);
}

/** As `forgetTables`; the warehouse is closed in the end. */
export async function forgetIn(
  warehouse: Warehouse,
  rows: StateRows,
  schema: string,
  { keys, states, drop }: TablesToForget,
): Promise<void> {
  try {
    const begun = transactionClock();
    await warehouse.run('BEGIN TRANSACTION');
    await rows.make(warehouse, schema);
    await rows.entries(warehouse, schema);
    await rows.store(warehouse, schema, new Map(keys.map((key) => [key, null])));
    await forgetInRuns(warehouse, keys);
    for (const key of keys) {
      const name = states.get(key)?.destinationTable;
      if (name === undefined) continue;
      for (const each of drop ? [name, loadTableName(name)] : [loadTableName(name)])
        await warehouse.run(`DROP TABLE IF EXISTS ${qualified({ schema, name: each })}`);
    }
    assertYoung(warehouse, begun);
    await warehouse.endTransaction('COMMIT');
  } finally {
    await warehouse.close();
  }
}
