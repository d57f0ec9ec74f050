/** A look into a lake without changing it: state, history, size. */
import { existsSync } from 'node:fs';
import type { TableState } from '../../model/sync-state';
import { readRuns, storedLogPosition, storedOrigin } from '../duckdb';
import type { WarehouseContents } from '../warehouse-access';
import { catalogFile } from '../lake-names';
import type { LakePlace } from './catalog';
import { LakeStates } from './state-rows';
import { openLake } from './warehouse';

const MEMORY_BYTES = 128_000_000;

/** undefined: there is no such lake. */
export async function readLake(place: LakePlace, schema: string, runs: number): Promise<WarehouseContents | undefined> {
  const file = catalogFile(place.catalog);
  if (file !== undefined && !existsSync(file)) return undefined;
  const warehouse = await openLake({
    ...place,
    memoryBytes: MEMORY_BYTES,
    availableBytes: 0,
    threads: 1,
    readOnly: true,
  });
  try {
    const [size] = await warehouse.rows(
      'SELECT coalesce(sum(file_size_bytes), 0) + coalesce(sum(delete_file_size_bytes), 0) FROM ducklake_table_info(current_database())',
    );
    const present = await warehouse.columnsOf('_pgsluice.runs');
    const states = new LakeStates();
    const entries = await states.entries(warehouse, schema);
    return {
      bytes: Number(size?.[0]),
      states: new Map(entries.map(([key, entry]) => [key, JSON.parse(entry) as TableState])),
      logPosition: await storedLogPosition(warehouse, { schema, table: states.positionTable(schema) }),
      origin: await storedOrigin(warehouse, schema),
      runs: present.size === 0 ? [] : await readRuns(warehouse, runs),
    };
  } finally {
    await warehouse.close();
  }
}
