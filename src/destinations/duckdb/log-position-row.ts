/** How far the log of its source is known in each schema of the warehouse. */
import type { LogPosition } from '../../model/sync-state';
import { literal } from './types';
import type { Warehouse } from './warehouse';

const POSITION_TABLE = '_pgsluice.log_positions';

/** undefined: none has been written yet. */
export async function storedLogPosition(warehouse: Warehouse, schema: string): Promise<LogPosition | undefined> {
  if ((await warehouse.columnsOf(POSITION_TABLE)).size === 0) return undefined;
  const [row] = await warehouse.rows(
    `SELECT slot, position FROM ${POSITION_TABLE} WHERE destination_schema = ${literal(schema)}`,
  );
  return row === undefined ? undefined : { slot: String(row[0]), position: String(row[1]) };
}

export async function storeLogPosition(warehouse: Warehouse, schema: string, place: LogPosition): Promise<void> {
  await warehouse.run(
    `CREATE TABLE IF NOT EXISTS ${POSITION_TABLE} (destination_schema VARCHAR, slot VARCHAR, position VARCHAR)`,
  );
  await warehouse.run(`DELETE FROM ${POSITION_TABLE} WHERE destination_schema = ${literal(schema)}`);
  const values = [schema, place.slot, place.position].map(literal);
  await warehouse.run(`INSERT INTO ${POSITION_TABLE} VALUES (${values.join(', ')})`);
}
