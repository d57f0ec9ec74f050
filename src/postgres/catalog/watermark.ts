/**
 * Finds up to where a replication key is safe: no transaction that commits from now on writes a smaller value, as far
 * as can be known.
 */
import type { TableSchema } from '../../model/table';
import { quoteIdentifier, quoteLiteral, quoteQualified, type Session } from '../connection';
/** Where transactions are hidden from us, they are assumed to last no longer than this. */
export const HIDDEN_SECONDS = 3600;
/** Clocks of application servers that write the key may be behind by this much. */
const CLOCK_SKEW_SECONDS = 60;

export interface WatermarkOptions {
  /** The replication key. */
  readonly key: string | null;
  /** See `oldestTransactionStart`; null where it was not asked for. */
  readonly oldestStart: string | null;
  readonly windowSeconds: number | undefined;
}

/**
 * The watermark as text of the key's type, as of the session's snapshot; null for an empty table, or without a key.
 *
 * A running transaction may have written the time of its start, so the watermark stays behind `oldestStart` by the skew
 * of clocks. Rows of logical replication arrive when their transaction has ended at its origin, and nobody here sees
 * how long it lasted. `windowSeconds` replaces all of that. A timestamp without time zone may be of any zone, so that
 * moment is assumed to be twelve hours earlier.
 */
export async function watermarkOf(
  session: Session,
  table: TableSchema,
  { key, oldestStart, windowSeconds }: WatermarkOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const column = table.columns.find(({ name }) => name === key);
  if (column === undefined) return null;
  const doing = `reading the watermark of ${table.schema}.${table.name}`;
  const lag = windowSeconds ?? (table.subscribed === true ? HIDDEN_SECONDS : CLOCK_SKEW_SECONDS);
  const moment =
    windowSeconds !== undefined || oldestStart === null ? 'now()' : `${quoteLiteral(oldestStart)}::timestamptz`;
  const safe =
    column.sourceType.name === 'timestamptz' ? moment : `((${moment} AT TIME ZONE 'UTC') - interval '12 hours')`;
  const [row] = await session.query(
    `SELECT (CASE WHEN m IS NULL THEN NULL ELSE (least(m, ${safe}) - interval '${lag} seconds')::${column.sourceType.name} END)::text AS w
     FROM (SELECT max(${quoteIdentifier(column.name)}) AS m FROM ${quoteQualified(table.schema, table.name)}
           WHERE isfinite(${quoteIdentifier(column.name)})) AS x`,
    { doing, signal },
  );
  const watermark = row?.['w'];
  return typeof watermark === 'string' ? watermark : null;
}

/**
 * No transaction that commits from now on began before this moment, as far as can be known. It must be asked before the
 * snapshot is taken: a transaction that ends between the two would be seen by neither.
 *
 * Some transactions are hidden: those of other roles from one without pg_read_all_stats (PostgreSQL shows their
 * sessions without a state), the primary's from a standby, and the beginning of a prepared one.
 */
export async function oldestTransactionStart(session: Session, signal: AbortSignal): Promise<string> {
  const context = { doing: 'looking for the oldest transaction', signal };
  if (!session.allowances.seesTransactions) {
    const hidden = `SELECT (clock_timestamp() - interval '${HIDDEN_SECONDS} seconds')::text AS start`;
    return String((await session.query(hidden, context))[0]?.['start']);
  }
  const [row] = await session.query(
    `SELECT least(
       clock_timestamp(),
       (SELECT min(xact_start) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()),
       (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()) - hidden.window,
       CASE WHEN pg_is_in_recovery() OR EXISTS (
              SELECT FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid() AND state IS NULL AND backend_type IS NULL)
            THEN clock_timestamp() - hidden.window END)::text AS start
     FROM (SELECT interval '${HIDDEN_SECONDS} seconds' AS window) AS hidden`,
    context,
  );
  return String(row?.['start']);
}

/** A condition on the key: at or after the watermark, or NULL. `reference` is SQL for the column. */
export function sinceWatermark(reference: string, typeName: string, watermark: string, nullable: boolean): string {
  const since = `${reference} >= ${quoteLiteral(watermark)}::${typeName}`;
  return nullable ? `${since} OR ${reference} IS NULL` : since;
}
