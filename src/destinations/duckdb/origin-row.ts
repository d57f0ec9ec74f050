/** Which database fills each schema of the warehouse. */
import type { Origin } from '../../model/origin';
import { literal } from './types';
import type { Warehouse } from './warehouse';

const ORIGIN_TABLE = '_pgsluice.origins';

/** undefined: none has been written yet. */
export async function storedOrigin(warehouse: Warehouse, schema: string): Promise<Origin | undefined> {
  if ((await warehouse.columnsOf(ORIGIN_TABLE)).size === 0) return undefined;
  const [row] = await warehouse.rows(
    `SELECT source, database, server FROM ${ORIGIN_TABLE} WHERE destination_schema = ${literal(schema)}`,
  );
  if (row === undefined) return undefined;
  const [source, database, server] = row.map(String);
  return { source: source ?? '', database: database ?? '', server: server ?? '' };
}

export async function storeOrigin(warehouse: Warehouse, schema: string, origin: Origin): Promise<void> {
  const { source, database, server } = origin;
  await warehouse.run(
    `CREATE TABLE IF NOT EXISTS ${ORIGIN_TABLE} (destination_schema VARCHAR, source VARCHAR, database VARCHAR, server VARCHAR)`,
  );
  await warehouse.run(`DELETE FROM ${ORIGIN_TABLE} WHERE destination_schema = ${literal(schema)}`);
  const values = [schema, source, database, server].map(literal);
  await warehouse.run(`INSERT INTO ${ORIGIN_TABLE} VALUES (${values.join(', ')})`);
}
