/**
 * A table as it is under a snapshot, compared with what discovery saw some time before. Meanwhile partitions come and
 * go, and columns change their types or exchange their names.
 */
import { ConnectorError } from '../../common/errors';
import { tableKey, type Relation, type TableSchema } from '../../model/table';
import { HAS_POLICIES, layoutDigest, partsOf, RELATION_IS_HEAP } from './catalog-queries';
import type { Session } from '../connection';

/** SQL for the digest that `checkLayout` takes. */
export function presentLayout(table: TableSchema): string {
  const last = Math.max(0, ...[...table.columns, ...(table.withheld ?? [])].map(({ place }) => place));
  return layoutDigest(String(table.oid), String(last));
}

/** Throws where the table's columns are no longer those that were discovered. */
export function checkLayout(table: TableSchema, layout: unknown): void {
  if (layout === table.layout) return;
  throw new ConnectorError(`The columns of ${tableKey(table)} were altered after discovery; nothing of it was kept.`, {
    code: 'table_altered',
    kind: 'source',
    hint: 'Run the sync again.',
  });
}

interface PresentRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly isHeap: boolean;
  readonly blocks: number;
  readonly bytes: number;
  readonly tuples: number;
  /** Read by itself, it would not give the rows that its parent gives of it. */
  readonly differs: boolean;
}

/** A guess, where nothing was counted yet. */
const ROWS_PER_BLOCK = 50;

/**
 * The relations of the table under the session's snapshot: those that were discovered and still belong to it, then new
 * ones. Returns the same array where nothing has changed.
 */
export async function presentRelations(
  session: Session,
  table: TableSchema,
  signal: AbortSignal | undefined,
): Promise<readonly Relation[]> {
  const { relations } = table;
  // A table without parts, or one that is read through its parent, is always one relation.
  if (table.kind !== 'partitioned' && relations.length < 2) return relations;
  if (relations.some(({ includesChildren }) => includesChildren === true)) return relations;
  const { seesFiles } = session.allowances;
  const blocks = seesFiles
    ? `coalesce(pg_catalog.pg_relation_size(c.oid), 0) / pg_catalog.current_setting('block_size')::int8`
    : 'c.relpages';
  const bytes = seesFiles ? 'coalesce(pg_catalog.pg_table_size(c.oid), 0)' : '0';
  const [row] = await session.query(
    `WITH RECURSIVE ${partsOf(table.oid)}
     SELECT coalesce(json_agg(x), '[]')::text AS j FROM (
       SELECT c.oid::int8 AS "oid", n.nspname AS "schema", c.relname AS "name", ${RELATION_IS_HEAP} AS "isHeap", c.reltuples::float8 AS "tuples",
              ${blocks} AS "blocks", ${bytes} AS "bytes",
              ${HAS_POLICIES} OR NOT has_schema_privilege(n.oid, 'USAGE') OR NOT has_any_column_privilege(c.oid, 'SELECT') AS "differs"
       FROM part JOIN pg_catalog.pg_class c ON c.oid = part.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind <> 'p' AND c.relpersistence <> 't' ORDER BY c.oid) AS x`,
    { doing: `looking for partitions of ${tableKey(table)}`, signal },
  );
  const present = JSON.parse(String(row?.['j'])) as PresentRow[];
  const differing = present.find(({ differs }) => differs);
  if (differing !== undefined) throw notByItself(table, differing);
  const known = new Set(relations.map(({ oid }) => oid));
  const kept = relations.filter(({ oid }) => present.some((part) => part.oid === oid));
  const added = present.filter(({ oid }) => !known.has(oid));
  if (added.length === 0 && kept.length === relations.length) return relations;
  const rangesServed = seesFiles && (relations.length === 0 || relations.some(({ rangeReadable }) => rangeReadable));
  return [
    ...kept,
    ...added.map(({ oid, schema, name, isHeap, blocks, bytes, tuples }) => ({
      ...{ oid, schema, name, blocks, bytes },
      rows: tuples > 0 ? tuples : blocks * ROWS_PER_BLOCK,
      rangeReadable: isHeap && rangesServed,
    })),
  ];
}

function notByItself(table: TableSchema, { schema, name }: PresentRow): ConnectorError {
  const what = `${tableKey({ schema, name })}, part of ${tableKey(table)}, got row-level security or lost a privilege after discovery`;
  return new ConnectorError(`${what}; nothing of it was kept.`, {
    code: 'table_altered',
    kind: 'source',
    hint: 'Run the sync again: the table is then read through its root.',
  });
}
