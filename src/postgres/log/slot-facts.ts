/**
 * What a server says of the write-ahead log and of who follows it: settings, the role's right, our slot, other slots of
 * ours, the publication and the replica identity of its tables. One statement, asked only where mode log is in question.
 */
import { ConnectorError } from '../../common/errors';
import { quoteLiteral, type Session } from '../connection';
import { publishedRelations } from './published-relations';
import { STILL_ATTACHED } from '../catalog';

export interface ServerLogFacts {
  readonly versionNumber: number;
  /** `minimal`, `replica` or `logical`. */
  readonly walLevel: string;
  readonly standby: boolean;
  readonly maxReplicationSlots: number;
  readonly usedReplicationSlots: number;
  /** -1: no limit, or a version before 13, which has none. */
  readonly maxSlotWalKeepBytes: number;
  /** Superuser, attribute REPLICATION, or member of a managed service's role for it; null: may not be seen. */
  readonly mayReplicate: boolean | null;
  readonly superuser: boolean;
  /** The role may make publications in this database. */
  readonly mayPublish: boolean;
  readonly user: string;
  readonly database: string;
  /** Name of the service that has a role of its own for replication, such as `rds_replication`; null: none. */
  readonly serviceRole: string | null;
  /** Oldest transaction (64 bits, in decimal) that ran when all of this was read: what is said here may be seen otherwise from it on. */
  readonly xmin: string;
  /** End of the log: of what was written, on a standby of what was replayed. null: may not be seen. */
  readonly currentLsn: string | null;
}

export interface SlotFacts {
  readonly name: string;
  /** Output plugin; null for a physical slot. */
  readonly plugin: string | null;
  readonly type: 'logical' | 'physical';
  /** null for a physical slot. */
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  readonly activePid: number | null;
  /** `0/16B3748`; null where the log that it needed is gone, or it never held any. */
  readonly restartLsn: string | null;
  /** Up to here it was told that everything has arrived. */
  readonly confirmedFlushLsn: string | null;
  /** `reserved`, `extended`, `unreserved` or `lost`; null before PostgreSQL 13. */
  readonly walStatus: string | null;
  /** Such as `wal_removed`, `rows_removed`, `idle_timeout`; null: valid, or a version that does not say (before 17). */
  readonly invalidationReason: string | null;
  /** Bytes of log that it keeps from being removed; null where that is not known. */
  readonly retainedBytes: number | null;
  /** Bytes that may still be written before it may be lost; null: no limit, or not known. */
  readonly safeWalBytes: number | null;
  /** Since when no session has read it, milliseconds since 1970 (PostgreSQL 17); null: not known. */
  readonly inactiveSinceMs: number | null;
  /** Follows a promoted standby (PostgreSQL 17). */
  readonly failover: boolean;
}

export interface PublishedTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Columns that travel; null: all, on versions without column lists. */
  readonly columns: readonly string[] | null;
  /** Condition of a row filter (PostgreSQL 15); null: every row. */
  readonly filter: string | null;
  /**
   * Another one where its entry, or that of its root, was taken out, put back or changed: changes in between are not in the
   * log. null: it has none, since the publication names its schema.
   */
  readonly mark: string | null;
}

/** What the log says of rows of a relation that change or go. */
export interface RelationIdentity {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Oids of the partitioned tables or parents that it belongs to directly. */
  readonly parents: readonly number[];
  /** Another one where it was detached and attached again: changes in between do not bear its root's name. */
  readonly attached: string;
  /** pg_class.relkind: r table, p partitioned, f foreign, v view, m materialized view. */
  readonly kind: string;
  /** pg_class.relpersistence: p permanent, u unlogged, t temporary. */
  readonly persistence: string;
  /** pg_class.relreplident: d primary key, i index, f whole row, n nothing. */
  readonly identity: string;
  /** Columns of the old row that the log carries; null: all of them. */
  readonly identityColumns: readonly string[] | null;
  /** Columns that are computed by an expression. */
  readonly generatedColumns: readonly string[];
  /** The role may put it into a publication. */
  readonly owned: boolean;
}

export interface PublicationFacts {
  readonly name: string;
  /** Another one where the publication was made anew, or what it publishes was changed. */
  readonly mark: string;
  readonly owner: string;
  /** The role may change and drop it. */
  readonly owned: boolean;
  /** `pgsluice log setup` made it: its comment says so. */
  readonly ours: boolean;
  readonly allTables: boolean;
  readonly inserts: boolean;
  readonly updates: boolean;
  readonly deletes: boolean;
  readonly truncates: boolean;
  /** Changes of partitions bear the name of their root (PostgreSQL 13). */
  readonly viaRoot: boolean;
  readonly tables: readonly PublishedTable[];
}

export interface LogFacts {
  readonly server: ServerLogFacts;
  /** The slot of this name, whatever it is; null: there is none. */
  readonly slot: SlotFacts | null;
  /** Slots of this database whose names begin as ours do, without ours. */
  readonly otherSlots: readonly SlotFacts[];
  readonly publication: PublicationFacts | null;
  /** By oid: the relations asked for, the published ones, and the partitions of both. */
  readonly identities: ReadonlyMap<number, RelationIdentity>;
}

export interface LogNames {
  readonly slotName: string;
  readonly publicationName: string;
}

/** The comment of a publication that `log setup` made. */
export const PUBLICATION_COMMENT = 'Made by pgsluice log setup';
/** Publications of all tables of a schema. */
const SCHEMAS_SINCE = 150_000;
const SLOT_PREFIX = 'pgsluice_';
/** Roles that stand for the attribute REPLICATION where a service keeps that for itself. */
const SERVICE_ROLES = ['rds_replication'];

const rows = (query: string): string => `(SELECT coalesce(json_agg(x), '[]') FROM (${query}) AS x)`;

/** As JSON where only some versions have the column. PostgreSQL 16 says of every slot that it gave up that it is conflicting. */
const slotColumns = (currentLsn: string): string => `
  s.slot_name::text AS "name", s.plugin::text AS "plugin", s.slot_type AS "type", s.database::text AS "database", s.temporary AS "temporary",
  s.active AS "active", s.active_pid AS "activePid", s.restart_lsn::text AS "restartLsn", s.confirmed_flush_lsn::text AS "confirmedFlushLsn",
  pg_catalog.to_jsonb(s) ->> 'wal_status' AS "walStatus",
  coalesce(pg_catalog.to_jsonb(s) ->> 'invalidation_reason',
           CASE WHEN pg_catalog.to_jsonb(s) ->> 'conflicting' = 'true'
                THEN CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'conflict' ELSE 'wal_removed' END END) AS "invalidationReason",
  greatest(pg_catalog.pg_wal_lsn_diff(${currentLsn}, s.restart_lsn), 0)::int8 AS "retainedBytes",
  (pg_catalog.to_jsonb(s) ->> 'safe_wal_size')::int8 AS "safeWalBytes",
  (extract(epoch FROM (pg_catalog.to_jsonb(s) ->> 'inactive_since')::timestamptz) * 1000)::int8 AS "inactiveSinceMs",
  coalesce(pg_catalog.to_jsonb(s) ->> 'failover' = 'true', false) AS "failover"`;

function factsQuery(
  { allowances }: Session,
  { slotName, publicationName }: LogNames,
  oids: readonly number[],
  namesSchemas: boolean,
): string {
  const slot = quoteLiteral(slotName);
  const publication = quoteLiteral(publicationName);
  const currentLsn = allowances.may('pg_current_wal_lsn()')
    ? `CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END`
    : 'NULL::pg_lsn';
  const serviceRole = `(SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.rolname IN (${SERVICE_ROLES.map(quoteLiteral).join(', ')}) LIMIT 1)`;
  const seesRoles = allowances.may('pg_roles');
  const mayReplicate = seesRoles
    ? `(SELECT r.rolsuper OR r.rolreplication FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
       OR coalesce((SELECT pg_catalog.pg_has_role(current_user, r.oid, 'USAGE') FROM pg_catalog.pg_roles r WHERE r.rolname = ${serviceRole}), false)`
    : `CASE WHEN current_setting('is_superuser') = 'on' THEN true END`;
  const wanted = oids.length === 0 ? 'NULL' : oids.join(', ');
  const mark = (row: string): string => `${row}.oid::text || '/' || ${row}.xmin::text`;
  return `WITH RECURSIVE entry AS (
    SELECT r.prrelid, ${mark('r')} AS mark FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = ${publication}
  ), ${publishedRelations(publication, namesSchemas)}, above(oid, ancestor) AS (
    SELECT l.oid, l.oid FROM listed l UNION
    SELECT a.oid, i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.ancestor WHERE ${STILL_ATTACHED}
  ), published AS (
    SELECT l.*, (SELECT pg_catalog.string_agg(e.mark, ' ' ORDER BY e.mark) FROM above a JOIN entry e ON e.prrelid = a.ancestor WHERE a.oid = l.oid) AS mark FROM listed l
  ), part(oid) AS (
    SELECT p.oid FROM published p UNION SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid IN (${wanted})
    UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid WHERE ${STILL_ATTACHED}
  ) SELECT json_build_object(
  'server', (SELECT row_to_json(x) FROM (SELECT
    current_setting('server_version_num')::int AS "versionNumber", current_setting('wal_level') AS "walLevel", pg_catalog.pg_is_in_recovery() AS "standby",
    current_setting('max_replication_slots')::int AS "maxReplicationSlots",
    (SELECT count(*)::int FROM pg_catalog.pg_replication_slots) AS "usedReplicationSlots",
    coalesce(pg_catalog.pg_size_bytes(current_setting('max_slot_wal_keep_size', true)), -1) AS "maxSlotWalKeepBytes",
    ${mayReplicate} AS "mayReplicate", current_setting('is_superuser') = 'on' AS "superuser",
    pg_catalog.has_database_privilege(current_database(), 'CREATE') AS "mayPublish", current_user::text AS "user", current_database()::text AS "database",
    ${seesRoles ? serviceRole : 'NULL'} AS "serviceRole", pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot())::text AS "xmin", (${currentLsn})::text AS "currentLsn") AS x),
  'slot', (SELECT row_to_json(x) FROM (SELECT ${slotColumns(currentLsn)} FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = ${slot}) AS x),
  'otherSlots', ${rows(`SELECT ${slotColumns(currentLsn)} FROM pg_catalog.pg_replication_slots s
    WHERE s.slot_name <> ${slot} AND left(s.slot_name::text, ${SLOT_PREFIX.length}) = ${quoteLiteral(SLOT_PREFIX)} AND s.database = current_database() ORDER BY s.slot_name`)},
  'publication', (SELECT row_to_json(x) FROM (SELECT p.pubname::text AS "name", ${mark('p')} AS "mark", pg_catalog.pg_get_userbyid(p.pubowner)::text AS "owner",
    pg_catalog.pg_has_role(p.pubowner, 'USAGE') AS "owned",
    coalesce(pg_catalog.obj_description(p.oid, 'pg_publication') = ${quoteLiteral(PUBLICATION_COMMENT)}, false) AS "ours",
    p.puballtables AS "allTables", p.pubinsert AS "inserts", p.pubupdate AS "updates", p.pubdelete AS "deletes", p.pubtruncate AS "truncates",
    coalesce(pg_catalog.to_jsonb(p) ->> 'pubviaroot' = 'true', false) AS "viaRoot",
    ${rows(`SELECT u.oid::int8 AS "oid", u.schema AS "schema", u.name AS "name", u.columns AS "columns", u.filter AS "filter", u.mark AS "mark" FROM published u ORDER BY u.oid`)} AS "tables"
    FROM pg_catalog.pg_publication p WHERE p.pubname = ${publication}) AS x),
  'identities', ${rows(`SELECT c.oid::int8 AS "oid", n.nspname::text AS "schema", c.relname::text AS "name", c.relkind AS "kind", c.relpersistence AS "persistence", c.relreplident AS "identity",
    CASE WHEN c.relreplident <> 'f' THEN coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
      WHERE i.indrelid = c.oid AND i.indimmediate AND i.indisvalid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END), '[]') END AS "identityColumns",
    coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> ''), '[]') AS "generatedColumns",
    (SELECT coalesce(json_agg(i.inhparent::int8), '[]') FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND ${STILL_ATTACHED}) AS "parents",
    (SELECT coalesce(string_agg(i.inhparent::text || '/' || i.xmin::text, ' '), '') FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid) AS "attached",
    pg_catalog.pg_has_role(c.relowner, 'USAGE') AS "owned"
    FROM part JOIN pg_catalog.pg_class c ON c.oid = part.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`)}
  )::text AS j`;
}

/** `oids`: of tables whose replica identity is of interest, published or not; their partitions are found. */
export async function readLogFacts(
  session: Session,
  names: LogNames,
  signal: AbortSignal | undefined,
  oids: readonly number[] = [],
): Promise<LogFacts> {
  const doing = 'asking about the replication slot and the publication';
  const [version] = await session.query(`SELECT current_setting('server_version_num') AS v`, {
    doing,
    signal,
  });
  const query = factsQuery(session, names, oids, Number(version?.['v']) >= SCHEMAS_SINCE);
  const [row] = await session.query(query, { doing, signal }).catch((error: unknown) => {
    throw error instanceof ConnectorError && error.code === 'permission_denied' ? deniedCatalog(error) : error;
  });
  const { identities, ...facts } = JSON.parse(String(row?.['j'])) as Omit<LogFacts, 'identities'> & {
    readonly identities: readonly RelationIdentity[];
  };
  return { ...facts, identities: new Map(identities.map((each) => [each.oid, each])) };
}

function deniedCatalog({ message, code, kind, sqlState }: ConnectorError): ConnectorError {
  return new ConnectorError(message, {
    code,
    kind,
    ...(sqlState === undefined ? {} : { sqlState }),
    hint: 'Grant it what PostgreSQL grants everybody: SELECT ON pg_catalog.pg_replication_slots, pg_catalog.pg_publication, pg_catalog.pg_publication_rel, pg_catalog.pg_publication_namespace.',
  });
}
