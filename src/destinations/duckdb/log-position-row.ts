/** How far the log of its source is known in each schema of the warehouse. */
import type { LogPosition } from '../../model/sync-state';
import { literal } from './types';
import type { Warehouse } from './warehouse';

/** Where the position of a schema stands. */
export interface PositionPlace {
  readonly schema: string;
  /** Qualified; it may have those of other schemas as well. */
  readonly table: string;
}

/** undefined: none has been written yet. */
export async function storedLogPosition(
  warehouse: Warehouse,
  { schema, table }: PositionPlace,
): Promise<LogPosition | undefined> {
  if ((await warehouse.columnsOf(table)).size === 0) return undefined;
  const [row] = await warehouse.rows(
    `SELECT slot, position FROM ${table} WHERE destination_schema = ${literal(schema)}`,
  );
  return row === undefined ? undefined : { slot: String(row[0]), position: String(row[1]) };
}

export async function storeLogPosition(
  warehouse: Warehouse,
  { schema, table }: PositionPlace,
  known: LogPosition,
): Promise<void> {
  await warehouse.run(
    `CREATE TABLE IF NOT EXISTS ${table} (destination_schema VARCHAR, slot VARCHAR, position VARCHAR)`,
  );
  await warehouse.run(`DELETE FROM ${table} WHERE destination_schema = ${literal(schema)}`);
  const values = [schema, known.slot, known.position].map(literal);
  await warehouse.run(`INSERT INTO ${table} VALUES (${values.join(', ')})`);
}
