/** Whose transaction ids the ids of a snapshot are. */
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

/** Whether a server that was restored or replaced would have another identity. */
export function isKnownSource(source: string): boolean {
  return !source.split('/').includes(UNKNOWN);
}
