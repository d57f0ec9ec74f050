/**
 * Queries of the catalog, which return JSON in one cell: the facts about the server, and the tables part by part. A
 * part is as large as one short statement can take, because all of 2,000 tables at once took half a second. They read
 * pg_catalog alone, because information_schema hides constraints from a role that has only SELECT.
 */

const aggregated = (query: string): string => `(SELECT coalesce(json_agg(x), '[]') FROM (${query}) AS x)`;

/**
 * SQL over pg_inherits `i`: a partition that is being detached (CONCURRENTLY, PostgreSQL 14) no longer belongs to its
 * parent, even if the command was interrupted. It reads the row as JSON, because older servers lack the column.
 */
export const STILL_ATTACHED = `(pg_catalog.to_jsonb(i) ->> 'inhdetachpending') IS DISTINCT FROM 'true'`;

/** A recursive query `part` of the oids of a table and of all that belongs to it. */
export const partsOf = (oid: number): string =>
  `part(oid) AS (SELECT ${oid}::oid UNION ` +
  `SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part p ON i.inhparent = p.oid WHERE ${STILL_ATTACHED})`;

/** SQL over pg_class `c`: row-level security is in force for the role. */
export const HAS_POLICIES = `(c.relrowsecurity AND row_security_active(c.oid))`;

/** TimescaleDB's catalog, where there is one. */
const TIMESCALE = `(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = '_timescaledb_catalog' AND c.relname = 'hypertable')`;

/** Hypertables and their chunks, used where `SERVER_QUERY` found TimescaleDB. */
export const HYPERTABLES_QUERY = `SELECT json_build_object(
  'roots', ${aggregated(`
  SELECT c.oid::int8 AS "oid" FROM _timescaledb_catalog.hypertable h
    JOIN pg_namespace n ON n.nspname = h.schema_name JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name`)},
  'chunks', ${aggregated(`
  SELECT c.oid::int8 AS "oid" FROM _timescaledb_catalog.chunk h
    JOIN pg_namespace n ON n.nspname = h.schema_name JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = h.table_name`)})::text AS j`;

/**
 * Tables that are filled by logical replication. All roles may read this catalog, unless an administrator has revoked
 * it. `origins`: whether it may be read.
 */
export const serverQuery = (
  origins: boolean,
): string => `SELECT json_build_object('server', (SELECT row_to_json(x) FROM (
  SELECT current_setting('server_version') AS "version", current_setting('server_version_num')::int AS "versionNumber",
         current_setting('block_size')::int AS "blockSize", current_database() AS "database", pg_is_in_recovery() AS "standby",
         current_user::text AS "user", current_setting('server_encoding') AS "encoding") AS x),
  'inheritance', ${aggregated(`
  SELECT i.inhrelid::int8 AS "child", i.inhparent::int8 AS "parent" FROM pg_inherits i WHERE ${STILL_ATTACHED} ORDER BY i.inhrelid`)},
  'timescale', ${TIMESCALE} IS NOT NULL,
  'subscribed', ${origins ? aggregated(`SELECT DISTINCT s.srrelid::int8 AS "oid" FROM pg_subscription_rel s`) : `'[]'::json`})::text AS j`;

/** SQL over pg_class `c`. */
export const RELATION_IS_HEAP = `coalesce((SELECT a.amname = 'heap' FROM pg_catalog.pg_am a WHERE a.oid = c.relam), false)`;

/** SQL over pg_class `c`: the role may read ctid (-1) and xmin (-2), which a GRANT of single columns leaves out. */
const SYSTEM_COLUMNS = `coalesce(has_column_privilege(c.oid, '-1'::int2, 'SELECT') AND has_column_privilege(c.oid, '-2'::int2, 'SELECT'), false)`;

/**
 * pg_relation_size and the text of a generated column's expression open the table with a lock. They would wait where
 * another session holds the table exclusively, or waits to. Everything else here reads the catalog alone. Where the
 * locks may not be seen, the lock timeout ends the wait.
 */
export const exclusivelyLocked = (seesLocks: boolean): string =>
  seesLocks
    ? `
  held AS (
    SELECT l.relation, l.database, l.mode, l.pid FROM pg_locks l WHERE l.locktype = 'relation'
  ), locked AS (
    SELECT h.relation AS oid FROM held h WHERE h.mode = 'AccessExclusiveLock'
      -- pg_database may be denied: the statement's own lock on pg_locks names the database as well.
      AND h.database = (SELECT own.database FROM held own WHERE own.pid = pg_backend_pid() AND own.database <> 0 LIMIT 1)
  )`
    : `
  locked AS (SELECT NULL::oid AS oid)`;

/** The error of a lock that was taken after `locked` was read; the statement is then run again. */
const PATIENCE = '100ms';

/** SQL for whether a relation may be opened without waiting. */
export const isFree = (oid: string): string => `${oid} NOT IN (SELECT oid FROM locked WHERE oid IS NOT NULL)`;

/**
 * The policies of a relation `c`, with the role that they are in force for. Another expression or another role shows
 * other rows, although no row is written. `elsewhere`: they call a user's function, or read another table.
 */
const POLICIES = `(SELECT json_build_object(
    'digest', md5(coalesce(string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles, p.polqual), ',' ORDER BY p.oid), '') || current_user),
    'elsewhere', coalesce(bool_or(EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
      AND (d.refclassid = 'pg_proc'::regclass OR d.refclassid = 'pg_class'::regclass AND d.refobjid <> p.polrelid))), false))
  FROM pg_policy p WHERE p.polrelid = c.oid)`;

/**
 * Expressions of virtual columns by name, for tables with parents or children (PostgreSQL 18). Where a table cannot be
 * opened, a value that differs from all others takes the place of its expressions.
 */
function virtualColumns(opening: boolean): string {
  const text = opening
    ? `CASE WHEN ${isFree('c.oid')} THEN pg_get_expr(d.adbin, d.adrelid) ELSE c.oid::text END`
    : 'c.oid::text';
  return `CASE WHEN current_setting('server_version_num')::int >= 180000
         AND (c.relispartition OR c.relhassubclass OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))
         THEN (SELECT json_object_agg(a.attname, ${text}) FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
               WHERE a.attrelid = c.oid AND a.attgenerated = 'v') END`;
}

/** Bytes of a table, where it can be asked; otherwise its size at the last VACUUM or ANALYZE. */
function relations(opening: boolean, sizes: boolean): string {
  const size = (oid: string, pages: string): string => {
    const noted = `coalesce(${pages}, 0)::int8 * current_setting('block_size')::int8`;
    return sizes ? `CASE WHEN ${isFree(oid)} THEN coalesce(pg_relation_size(${oid}), 0) ELSE ${noted} END` : noted;
  };
  return aggregated(`
  SELECT c.oid::int8 AS "oid", n.nspname AS "schema", c.relname AS "name", c.relkind AS "kind", c.relispartition AS "isPartition",
         c.reltuples::float8 AS "tuples", c.relpages AS "pages", ${size('c.oid', 'c.relpages')} AS "heapBytes",
         CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE ${size('c.reltoastrelid', '(SELECT relpages FROM pg_class WHERE oid = c.reltoastrelid)')} END AS "toastBytes",
         ${RELATION_IS_HEAP} AS "isHeap", ${SYSTEM_COLUMNS} AS "systemColumns",
         has_schema_privilege(n.oid, 'USAGE') AS "schemaUsage", has_table_privilege(c.oid, 'SELECT') AS "selectable",
         c.relispopulated AS "populated",
         obj_description(c.oid, 'pg_class') AS "comment",
         ${HAS_POLICIES} AS "rowSecurity", CASE WHEN ${HAS_POLICIES} THEN ${POLICIES} END AS "policies",
         ${virtualColumns(opening)} AS "virtualColumns",
         (SELECT json_agg(a.attname ORDER BY k.place) FROM pg_constraint p
            CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k(attnum, place)
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
          WHERE p.conrelid = c.oid AND p.contype = 'p') AS "primaryKey"
  FROM chunk JOIN pg_class c ON c.oid = chunk.oid JOIN pg_namespace n ON n.oid = c.relnamespace
  ORDER BY c.oid`);
}

/** attnotnull is also set by a constraint that has not seen the rows from before it (NOT VALID, PostgreSQL 18). */
const NEVER_NULL = `a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint v WHERE v.conrelid = a.attrelid AND v.contype = 'n' AND v.conkey = ARRAY[a.attnum] AND NOT v.convalidated)`;

/**
 * SQL for a table's columns as one digest, under the statement's snapshot: the facts from discovery that a read relies
 * on. Columns after the place `last` were added later and are not read. `table` and `last` are SQL.
 */
export const layoutDigest = (table: string, last: string): string =>
  `(SELECT md5(coalesce(string_agg(concat_ws(' ', l.attnum, l.attname, l.atttypid::int8, l.atttypmod), ',' ORDER BY l.attnum), '')) ` +
  `FROM pg_catalog.pg_attribute l WHERE l.attrelid = ${table} AND l.attnum BETWEEN 1 AND ${last} AND NOT l.attisdropped)`;

/** Domains, with the base type that they have in the end. */
const DOMAINS = `
  base(oid, type, modifier) AS (
    SELECT t.oid, t.typbasetype, t.typtypmod FROM pg_type t WHERE t.typtype = 'd'
    UNION ALL
    SELECT b.oid, t.typbasetype, CASE WHEN b.modifier = -1 THEN t.typtypmod ELSE b.modifier END
    FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
  ), resolved AS (
    SELECT b.oid, b.type, b.modifier FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype <> 'd'
  )`;

/**
 * One row per table, its columns as arrays, to keep the JSON small. Domains are resolved to their base type. A default
 * names no columns, so its text can be read without its table. The text of a generated column is null where the table
 * is locked.
 */
const columns = (opening: boolean): string => {
  const generated = opening ? `WHEN ${isFree('d.adrelid')} THEN pg_get_expr(d.adbin, d.adrelid)` : '';
  const expression = `CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, 0) ${generated} END`;
  return aggregated(`
  SELECT a.attrelid::int8 AS "table", json_agg(json_build_array(
           a.attname, format_type(a.atttypid, a.atttypmod), t.typname, t.typtype, t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1,
           CASE WHEN r.oid IS NULL THEN a.atttypmod ELSE r.modifier END, ${NEVER_NULL}, ${expression},
           col_description(a.attrelid, a.attnum),
           CASE WHEN t.typname IN ('varchar', 'bpchar') AND (CASE WHEN r.oid IS NULL THEN a.atttypmod ELSE r.modifier END) > 4
                THEN (CASE WHEN r.oid IS NULL THEN a.atttypmod ELSE r.modifier END) - 4 END,
           CASE WHEN t.typcategory = 'A' THEN 'ARRAY' WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN format_type(t.oid, NULL) ELSE 'USER-DEFINED' END,
           has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
           (SELECT n.nspname FROM pg_namespace n WHERE n.oid = t.typnamespace), a.attnum, a.atttypid::int8, a.attgenerated
         ) ORDER BY a.attnum) AS "columns", ${layoutDigest('a.attrelid', 'max(a.attnum)')} AS "layout"
  FROM chunk
  JOIN pg_attribute a ON a.attrelid = chunk.oid AND chunk.described
  LEFT JOIN resolved r ON r.oid = a.atttypid
  JOIN pg_type t ON t.oid = coalesce(r.type, a.atttypid)
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped
  GROUP BY a.attrelid`);
};

/** User-defined types of the columns, and their parts. */
const TYPE_PARTS = `
  root AS (
    SELECT DISTINCT a.atttypid AS oid FROM chunk JOIN pg_attribute a ON a.attrelid = chunk.oid AND chunk.described JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace <> 'pg_catalog'::regnamespace
  ), part(root, oid) AS (
    SELECT oid, oid FROM root
    UNION
    SELECT p.root, x.oid FROM part p JOIN pg_type t ON t.oid = p.oid CROSS JOIN LATERAL (
      SELECT t.typelem AS oid UNION ALL SELECT t.typbasetype
      UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
      UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS x
    WHERE x.oid <> 0
  )`;

/**
 * The parts of user-defined types. A value's text depends on an enum's labels and a composite's attributes, which can
 * change although no row does. One row per column type; its parts are followed all the way down. Labels come in the
 * order of their creation, so that a new one comes last.
 */
const USER_TYPES = aggregated(`
  SELECT r.oid::int8 AS "type",
         (SELECT coalesce(json_agg(e.enumlabel ORDER BY e.oid), '[]') FROM part p JOIN pg_enum e ON e.enumtypid = p.oid WHERE p.root = r.oid) AS "labels",
         (SELECT md5(string_agg(concat_ws(' ', a.attrelid::int8, a.attnum, a.attname, a.atttypid::int8, a.atttypmod), ',' ORDER BY a.attrelid, a.attnum))
            FROM part p JOIN pg_type t ON t.oid = p.oid JOIN pg_attribute a ON a.attrelid = t.typrelid
          WHERE p.root = r.oid AND a.attnum > 0 AND NOT a.attisdropped) AS "attributes"
  FROM root r`);

/** Columns that may be a replication key: of type date, timestamp or timestamptz. One row a table that has any. */
const keyCandidates = (seesStatistics: boolean): string => {
  const nullFraction = seesStatistics
    ? `(SELECT s.null_frac::float8 FROM pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                  ORDER BY s.inherited DESC LIMIT 1)`
    : 'NULL::float8';
  return aggregated(`
  SELECT a.attrelid::int8 AS "table", json_agg(json_build_object(
           'column', a.attname,
           'indexed', EXISTS (SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
                              WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND am.amname = 'btree'),
           'nullFraction', CASE WHEN a.attnotnull THEN 0 ELSE ${nullFraction} END)) AS "columns"
  FROM chunk JOIN pg_attribute a ON a.attrelid = chunk.oid AND chunk.described
  JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm')
    AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
  GROUP BY a.attrelid`);
};

export interface TablesLook {
  /** It opens no table and so waits for no lock, but knows less. */
  readonly opening: boolean;
  /** Otherwise sizes are those of the last VACUUM or ANALYZE. */
  readonly sizes: boolean;
  /** Whether pg_locks may be read. */
  readonly seesLocks: boolean;
  /** Whether pg_stats may be read. */
  readonly seesStatistics: boolean;
}

/** Tables of a part, at most. */
const MOST_TABLES = 500;
/** Columns of a part. A table itself counts for some, because it takes as long as they do. */
const MOST_COLUMNS = 1500;
const COLUMNS_OF_TABLE = 4;

/**
 * The tables whose OIDs follow `after`, as many as make one part, in the order of their OIDs; and whether there are
 * more. Columns of partitions and of TimescaleDB's chunks are left out, because those are read through their parent.
 */
export const tablesQuery = (after: number, { opening, sizes, seesLocks, seesStatistics }: TablesLook): string => `
  WITH RECURSIVE${exclusivelyLocked(seesLocks)}, candidate AS (
    SELECT c.oid, c.relnatts, NOT c.relispartition AND n.nspname !~ '^_timescaledb_' AS described
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (SELECT set_config('lock_timeout', '${PATIENCE}', true)) IS NOT NULL
      AND c.oid > '${after}'::oid AND c.relkind IN ('r', 'p', 'm', 'f', 'v') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_(catalog|toast|temp_)'
      -- Objects of extensions are the extension's business.
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.oid LIMIT ${MOST_TABLES}
  ), chunk AS (
    SELECT s.oid, s.described FROM (
      SELECT oid, described, row_number() OVER w AS place,
             sum(CASE WHEN described THEN relnatts ELSE 0 END + ${COLUMNS_OF_TABLE}) OVER w AS columns
      FROM candidate WINDOW w AS (ORDER BY oid)) AS s
    WHERE s.columns <= ${MOST_COLUMNS} OR s.place = 1
  ),${DOMAINS},${TYPE_PARTS}
  SELECT json_build_object('relations', ${relations(opening, sizes)}, 'columns', ${columns(opening)}, 'types', ${USER_TYPES},
    'candidates', ${keyCandidates(seesStatistics)},
    'more', (SELECT count(*) FROM candidate) > (SELECT count(*) FROM chunk) OR (SELECT count(*) FROM candidate) = ${MOST_TABLES})::text AS j`;
