/**
 * Whether a lake is ours, with all files of its data path. In one that another program has made, that place may hold files
 * of other lakes, which no catalog but theirs knows.
 */
import { DATABASE, type Warehouse } from '../duckdb';

/** For a lake that has just been made. An empty table has no files. */
export const MARK_AS_OURS =
  `BEGIN; CREATE SCHEMA IF NOT EXISTS ${DATABASE}._pgsluice; ` +
  `CREATE TABLE IF NOT EXISTS ${DATABASE}._pgsluice.made_by_pgsluice (made_at TIMESTAMP); COMMIT`;

/** As DuckLake names what it writes. */
export const DATA_FILE = /^ducklake-[0-9a-f-]+(?:-delete)?\.(?:parquet|puffin)$/;

export async function isOurs(lake: Warehouse): Promise<boolean> {
  return (await lake.columnsOf('_pgsluice.made_by_pgsluice')).size > 0;
}
