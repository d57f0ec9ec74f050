import type { OptionalObject, Session } from '../connection';
/** The value that stands for what the role may not know. */
const UNKNOWN = '?';

/**
 * SQL for which cluster, timeline and database transaction ids belong to. A restore from a dump and pg_upgrade
 * give another system identifier; the promotion of a standby another timeline, after which ids that were already
 * seen may be given out again. The control file names that timeline only after the first checkpoint, the names
 * of WAL files at once.
 */
export function sourceIdentitySql({ allowances }: Session): string {
  // A function that may not be called fails the statement even where it is not reached.
  const known = (sql: string, ...objects: readonly OptionalObject[]): string =>
    allowances.may(...objects) ? `(${sql})::text` : `'${UNKNOWN}'`;
  const cluster = known('SELECT system_identifier FROM pg_catalog.pg_control_system()', 'pg_control_system()');
  const ofStandby = known('SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()', 'pg_control_checkpoint()');
  const ofPrimary = known(
    `('x' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::int4`,
    'pg_current_wal_lsn()',
    'pg_walfile_name(pg_lsn)',
  );
  const database = known(
    'SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()',
    'pg_database',
  );
  // It is evaluated only where it is reached: a standby writes no log.
  return `${cluster} || '/' || CASE WHEN pg_catalog.pg_is_in_recovery() THEN ${ofStandby} ELSE ${ofPrimary} END || '/' || ${database}`;
}

export async function sourceIdentity(session: Session, signal: AbortSignal | undefined): Promise<string> {
  const sql = `SELECT ${sourceIdentitySql(session)} AS id`;
  const [row] = await session.query(sql, { doing: 'identifying the server', signal });
  return String(row?.['id']);
}

/** Whether a server that was restored or replaced would have another identity. */
export function isKnownSource(source: string): boolean {
  return !source.split('/').includes(UNKNOWN);
}

export interface KeyCandidate {
  readonly column: string;
  /** Leads a valid B-tree index, so that its newest rows are found without reading the others. */
  readonly indexed: boolean;
  /** NULLs by the statistics; 0 where the column is NOT NULL, null where nothing is known. */
  readonly nullFraction: number | null;
}

/** Columns of type date, timestamp or timestamptz by table oid. One query, whatever the number of tables. */
export async function keyCandidates(
  session: Session,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<number, readonly KeyCandidate[]>> {
  const nullFraction = session.allowances.may('pg_stats')
    ? `(SELECT s.null_frac::float8 FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                  ORDER BY s.inherited DESC LIMIT 1)`
    : 'NULL::float8';
  const [row] = await session.query(
    `SELECT coalesce(json_agg(x), '[]')::text AS j FROM (
       SELECT a.attrelid::int8 AS "table", json_agg(json_build_object(
                'column', a.attname,
                'indexed', EXISTS (SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
                                   WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND am.amname = 'btree'),
                'nullFraction', CASE WHEN a.attnotnull THEN 0 ELSE ${nullFraction} END)) AS "columns"
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
         AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
         AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
       GROUP BY a.attrelid) AS x`,
    { doing: 'looking for replication keys', signal },
  );
  const tables = JSON.parse(String(row?.['j'])) as { table: number; columns: KeyCandidate[] }[];
  return new Map(tables.map(({ table, columns }) => [table, columns]));
}
