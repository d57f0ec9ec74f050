/** How far the log of its source is known in each schema of the warehouse. */
import { literal } from './types';
import type { Warehouse } from './warehouse';

const POSITION_TABLE = '_pgsluice.log_positions';

/** undefined: none has been written yet. */
export async function storedLogPosition(warehouse: Warehouse, schema: string): Promise<string | undefined> {
  if ((await warehouse.columnsOf(POSITION_TABLE)).size === 0) return undefined;
  const [row] = await warehouse.rows(
    `SELECT position FROM ${POSITION_TABLE} WHERE destination_schema = ${literal(schema)}`,
  );
  return row === undefined ? undefined : String(row[0]);
}

export async function storeLogPosition(warehouse: Warehouse, schema: string, position: string): Promise<void> {
  await warehouse.run(`CREATE TABLE IF NOT EXISTS ${POSITION_TABLE} (destination_schema VARCHAR, position VARCHAR)`);
  await warehouse.run(`DELETE FROM ${POSITION_TABLE} WHERE destination_schema = ${literal(schema)}`);
  await warehouse.run(`INSERT INTO ${POSITION_TABLE} VALUES (${literal(schema)}, ${literal(position)})`);
}
