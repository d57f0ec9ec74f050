/** The clock of the server that keeps a catalog: maintenance goes by the age of files and snapshots. */
import { DATABASE, destinationError, type Warehouse } from '../duckdb';

/** Far less than the age at which anything is deleted that somebody may still need. */
const MOST_HOURS_AHEAD = 1;

/** Throws where this host's clock is ahead, so that files and snapshots would seem older than they are. */
export async function assertClock(lake: Warehouse): Promise<void> {
  const asked = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS ms';
  // DuckLake attaches the catalog's database under this name.
  const [row] = await lake.rows(`SELECT ms FROM postgres_query('__ducklake_metadata_${DATABASE}', '${asked}')`);
  const hours = (Date.now() - Number(row?.[0])) / 3_600_000;
  if (hours <= MOST_HOURS_AHEAD) return;
  throw destinationError(
    `The clock of this host is ${hours.toFixed(1)} hours ahead of the clock of the lake's catalog.`,
    'lake_clock',
    { hint: 'Synchronize both (NTP); nothing was deleted, since files are deleted by their age.' },
  );
}
