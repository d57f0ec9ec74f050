/**
 * Up to where a replication key is safe: no transaction that commits from now on writes a smaller value,
 * as far as that can be known.
 */
import type { TableSchema } from '../model/table';
import { quoteIdentifier, quoteLiteral, quoteQualified } from './sql';
import type { Session } from './session';

/** Where other roles' transactions are hidden, they are taken to last no longer than this. */
const DEFAULT_WINDOW_SECONDS = 3600;
/** Clocks of application servers that write the key may be behind by this much. */
const CLOCK_SKEW_SECONDS = 60;

/**
 * The watermark as text of the key's type; null for an empty table, or without a key.
 *
 * A transaction that is still running may have written the time of its start: the watermark stays behind
 * the start of the oldest one by the skew of clocks. `windowSeconds` replaces both. A timestamp without
 * time zone may be of any zone, so the present is taken to be twelve hours ago.
 */
export async function watermarkOf(
  session: Session,
  table: TableSchema,
  key: string | null,
  windowSeconds: number | undefined,
  signal: AbortSignal,
): Promise<string | null> {
  const column = table.columns.find(({ name }) => name === key);
  if (column === undefined) return null;
  const doing = `reading the watermark of ${table.schema}.${table.name}`;
  const lag = windowSeconds ?? (await oldestTransactionSeconds(session, signal)) + CLOCK_SKEW_SECONDS;
  const now = column.sourceType.name === 'timestamptz' ? 'now()' : `((now() AT TIME ZONE 'UTC') - interval '12 hours')`;
  const [row] = await session.query(
    `SELECT (CASE WHEN m IS NULL THEN NULL ELSE (least(m, ${now}) - interval '${lag} seconds')::${column.sourceType.name} END)::text AS w
     FROM (SELECT max(${quoteIdentifier(column.name)}) AS m FROM ${quoteQualified(table.schema, table.name)}
           WHERE isfinite(${quoteIdentifier(column.name)})) AS x`,
    { doing, signal },
  );
  const watermark = row?.['w'];
  return typeof watermark === 'string' ? watermark : null;
}

/** Age of the oldest transaction that may still write, whether this role may see it or not. */
async function oldestTransactionSeconds(session: Session, signal: AbortSignal): Promise<number> {
  const [row] = await session.query(
    `SELECT ceil(extract(epoch FROM clock_timestamp() - least(
              (SELECT min(xact_start) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()),
              (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()), clock_timestamp())))::int4 AS age,
            (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND state IS NULL)::int4 AS hidden`,
    { doing: 'looking for the oldest transaction', signal },
  );
  const age = Math.max(0, Number(row?.['age'] ?? 0));
  return Number(row?.['hidden'] ?? 0) > 0 ? Math.max(age, DEFAULT_WINDOW_SECONDS) : age;
}

/** A condition on the key: at or after the watermark, or NULL. `reference` is SQL for the column. */
export function sinceWatermark(reference: string, typeName: string, watermark: string, nullable: boolean): string {
  const since = `${reference} >= ${quoteLiteral(watermark)}::${typeName}`;
  return nullable ? `${since} OR ${reference} IS NULL` : since;
}
