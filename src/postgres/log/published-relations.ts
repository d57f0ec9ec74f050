/**
 * Which relations a publication names. (The view pg_publication_tables says so too, but opens each table for its columns,
 * and so waits for the sessions that have locked one of them.)
 */
import { STILL_ATTACHED } from '../catalog';

/** OIDs below it belong to the system (FirstNormalObjectId). */
const FIRST_OF_USERS = 16_384;

/** SQL for named queries of a WITH RECURSIVE, of which `listed` has `oid`, `schema`, `name`, `columns` and `filter`. `publication`: its name, quoted; `namesSchemas`: whether this version's publications may (PostgreSQL 15). */
export function publishedRelations(publication: string, namesSchemas: boolean): string {
  const own = `p.pubname = ${publication}`;
  const tables = `c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= ${FIRST_OF_USERS}`;
  const ofSchemas = `
    UNION ALL SELECT c.oid, NULL::jsonb, NULL::text FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid
      JOIN pg_catalog.pg_class c ON c.relnamespace = s.pnnspid WHERE ${own} AND ${tables}`;
  // A list of column numbers, however this version writes it.
  const numbers = `pg_catalog.string_to_array(pg_catalog.btrim(pg_catalog.regexp_replace(n.attrs::text, '[^0-9]+', ' ', 'g')), ' ')::int2[]`;
  return `named(oid, attrs, filter) AS (
    SELECT r.prrelid, nullif(pg_catalog.to_jsonb(r) -> 'prattrs', 'null'), pg_catalog.to_jsonb(r) ->> 'prqual'
      FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid WHERE ${own}
    UNION ALL SELECT c.oid, NULL::jsonb, NULL::text FROM pg_catalog.pg_publication p, pg_catalog.pg_class c
      WHERE ${own} AND p.puballtables AND ${tables} AND NOT c.relispartition${namesSchemas ? ofSchemas : ''}
  ), expanded(oid, attrs, filter) AS (
    SELECT n.oid, n.attrs, n.filter FROM named n
    UNION SELECT i.inhrelid, NULL::jsonb, NULL::text FROM expanded e JOIN pg_catalog.pg_class c ON c.oid = e.oid AND c.relkind = 'p'
      JOIN pg_catalog.pg_inherits i ON i.inhparent = e.oid AND ${STILL_ATTACHED}
      WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_publication p WHERE ${own} AND pg_catalog.to_jsonb(p) ->> 'pubviaroot' = 'true')
  ), listed AS (
    SELECT DISTINCT ON (c.oid) c.oid, s.nspname::text AS schema, c.relname::text AS name, n.filter,
           CASE WHEN n.attrs IS NOT NULL THEN (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum = ANY (${numbers})) END AS columns
      FROM expanded n JOIN pg_catalog.pg_class c ON c.oid = n.oid JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
      WHERE c.relkind <> 'p' OR EXISTS (SELECT FROM pg_catalog.pg_publication p WHERE ${own} AND pg_catalog.to_jsonb(p) ->> 'pubviaroot' = 'true')
      -- Its own entry, where it has one.
      ORDER BY c.oid, n.attrs IS NULL, n.filter IS NULL
  )`;
}
