/** Reads what matters about a server to a sync, beyond its tables, in one query. */
import { exclusivelyLocked, isFree } from './catalog-queries';
import type { Session } from '../connection';

export interface ServerFacts {
  readonly version: string;
  readonly versionNumber: number;
  readonly database: string;
  readonly user: string;
  readonly encoding: string;
  readonly standby: boolean;
  /** On a standby: milliseconds after which replay cancels our statements; -1: never. */
  readonly maxStandbyDelayMs: number;
  readonly hotStandbyFeedback: boolean;
  readonly maxConnections: number;
  /** Connections reserved for superusers and the like. */
  readonly reservedConnections: number;
  readonly usedConnections: number;
  /** Connection limit of the role; -1: none. */
  readonly connectionLimit: number;
  readonly ownConnections: number;
  readonly superuser: boolean;
  /** Milliseconds since 1970; null where the password does not expire. */
  readonly passwordExpiresMs: number | null;
  /** -1: off or not known to this version. */
  readonly oldSnapshotThresholdMinutes: number;
  readonly tls: { readonly version: string; readonly cipher: string } | null;
  /** Its clock at the time of the query, milliseconds since 1970. */
  readonly clockMs: number;
}

/** Facts that the role may not see count as absent. */
function factsQuery({ allowances }: Session): string {
  const settings = allowances.may('pg_settings', 'pg_show_all_settings()');
  const setting = (name: string): string =>
    settings ? `(SELECT setting FROM pg_settings WHERE name = '${name}')` : 'NULL';
  const activity = allowances.may('pg_stat_activity', 'pg_stat_get_activity(int4)');
  const sessions = (condition: string): string =>
    activity ? `(SELECT count(*) FROM pg_stat_activity WHERE ${condition})::int` : '1';
  const roles = allowances.may('pg_roles')
    ? 'pg_roles r WHERE r.rolname = current_user'
    : `(SELECT -1 AS rolconnlimit, current_setting('is_superuser') = 'on' AS rolsuper, NULL::timestamptz AS rolvaliduntil) AS r`;
  const tls = allowances.may('pg_stat_ssl', 'pg_stat_get_activity(int4)')
    ? `(SELECT json_build_object('version', s.version, 'cipher', s.cipher) FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl)`
    : `json_build_object('version', 'TLS', 'cipher', 'if any: pg_stat_ssl may not be read')`;
  return `SELECT row_to_json(x)::text AS j FROM (SELECT
  current_setting('server_version') AS "version", current_setting('server_version_num')::int AS "versionNumber",
  current_database() AS "database", current_user::text AS "user", current_setting('server_encoding') AS "encoding",
  pg_is_in_recovery() AS "standby",
  coalesce(${setting('max_standby_streaming_delay')}::float8, -1) AS "maxStandbyDelayMs",
  coalesce(${setting('hot_standby_feedback')}, 'off') = 'on' AS "hotStandbyFeedback",
  current_setting('max_connections')::int AS "maxConnections",
  coalesce(${setting('superuser_reserved_connections')}::int, 0) + coalesce(${setting('reserved_connections')}::int, 0) AS "reservedConnections",
  ${sessions('datid IS NOT NULL')} AS "usedConnections",
  r.rolconnlimit AS "connectionLimit",
  ${sessions('usename = current_user')} AS "ownConnections",
  r.rolsuper AS "superuser",
  CASE WHEN r.rolvaliduntil < 'infinity' THEN extract(epoch FROM r.rolvaliduntil) * 1000 END AS "passwordExpiresMs",
  coalesce(${setting('old_snapshot_threshold')}::float8, -1) AS "oldSnapshotThresholdMinutes",
  ${tls} AS "tls",
  extract(epoch FROM clock_timestamp()) * 1000 AS "clockMs"
  FROM ${roles}) AS x`;
}

export async function readServerFacts(session: Session, signal: AbortSignal | undefined): Promise<ServerFacts> {
  const [row] = await session.query(factsQuery(session), { doing: "reading the server's settings", signal });
  return JSON.parse(String(row?.['j'])) as ServerFacts;
}

/** Relations of these oids that hold rows but were never analyzed: their sizes are guesses. */
export async function neverAnalyzed(
  session: Session,
  oids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  if (oids.length === 0) return new Set();
  const { seesFiles, seesLocks } = session.allowances;
  // Nothing here ends the wait for a table that another session has locked.
  const hasRows = seesFiles && seesLocks ? 'pg_relation_size(c.oid) > 0' : 'c.reltuples < 0';
  const [row] = await session.query(
    `WITH ${exclusivelyLocked(seesLocks)}
     SELECT coalesce(json_agg(c.oid::int8), '[]')::text AS j FROM pg_class c WHERE c.oid IN (${oids.join(', ')})
       AND c.relkind IN ('r', 'm') AND (c.reltuples < 0 OR c.relpages = 0) AND CASE WHEN ${isFree('c.oid')} THEN ${hasRows} END`,
    { doing: 'looking for statistics', signal },
  );
  return new Set(JSON.parse(String(row?.['j'])) as number[]);
}
