/** Reads state, history and size of a warehouse without changing it. */
import { existsSync, statSync } from 'node:fs';
import { ConnectorError } from '../../common/errors';
import type { TableState } from '../../model/sync-state';
import type { WarehouseContents } from '../warehouse-access';
import { storedLogPosition } from './log-position-row';
import { Warehouse } from './warehouse';
import { readRuns } from './run-history';
import { storedOrigin } from './origin-row';
import { FILE_STATES, stateEntries } from './state-rows';

const MEMORY_BYTES = 128_000_000;

/** Returns undefined where there is no such file. Rejects with code `warehouse_locked` while a sync has it open. */
export async function readWarehouse(
  path: string,
  schema: string,
  runs: number,
): Promise<WarehouseContents | undefined> {
  if (!existsSync(path)) return undefined;
  const warehouse = await Warehouse.open({ path, memoryBytes: MEMORY_BYTES, threads: 1, readOnly: true });
  try {
    const present = await warehouse.rows(
      "SELECT table_name FROM duckdb_tables() WHERE schema_name = '_pgsluice' AND database_name = current_database()",
    );
    const has = (name: string): boolean => present.some((row) => row[0] === name);
    if (!has('state')) {
      throw new ConnectorError(`The file ${path} is a DuckDB database, but no warehouse of pgsluice.`, {
        code: 'not_a_warehouse',
        kind: 'destination',
        hint: 'Name the right one with --warehouse, or run `pgsluice sync` to begin one there.',
      });
    }
    const entries = await stateEntries(warehouse, schema);
    return {
      bytes: statSync(path).size,
      states: new Map(entries.map(([key, entry]) => [key, JSON.parse(entry) as TableState])),
      origin: await storedOrigin(warehouse, schema),
      logPosition: await storedLogPosition(warehouse, { schema, table: FILE_STATES.positionTable(schema) }),
      runs: has('runs') ? await readRuns(warehouse, runs) : [],
    };
  } finally {
    await warehouse.close();
  }
}
