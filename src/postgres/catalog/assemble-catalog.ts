/** Makes tables from rows of the catalog: what is read of each, through which relations, and what forbids it. */
import { ConnectorError } from '../../common/errors';
import {
  tableKey,
  type ColumnSchema,
  type HiddenMember,
  type Relation,
  type RelationKind,
  type SourceType,
  type TableSchema,
} from '../../model/table';
import type {
  Catalog,
  ColumnRow,
  DiscoveryOptions,
  RelationRow,
  ServerInfo,
  TableColumns,
  UserType,
} from './catalog-rows';
import { columnTypeOf, type TypeMode } from './column-types';
import { isChunk, throughRoot, whyThroughRoot, type Hypertables } from './table-members';
import { grantsOf, isPartlyReadable, whyUnreadable } from './unreadable';

/** Facts about tables beyond their own rows of the catalog. */
export interface Surroundings {
  readonly server: ServerInfo;
  readonly membersOf: (oid: number) => readonly number[];
  readonly hypertables: Hypertables;
  readonly subscribed: ReadonlySet<number>;
}

const KINDS: Readonly<Record<RelationRow['kind'], RelationKind>> = {
  r: 'table',
  p: 'partitioned',
  m: 'materialized_view',
  f: 'foreign',
  v: 'view',
};

/** The first server version with TID range scans; before it each range of ctid would be a full scan. */
const RANGE_SCAN_VERSION = 140000;

/** `layoutDigest` of a table without columns: the MD5 of nothing. */
const NO_COLUMNS = 'd41d8cd98f00b204e9800998ecf8427e';

export function assembleCatalog(
  rows: readonly RelationRow[],
  { server, membersOf, hypertables, subscribed }: Surroundings,
  columnsOf: ReadonlyMap<number, TableColumns>,
  userTypes: ReadonlyMap<number, UserType>,
  options: DiscoveryOptions,
): Catalog {
  const byOid = new Map(rows.map((row) => [row.oid, row]));
  const tables: TableSchema[] = [];
  const unreadable = new Map<number, ConnectorError>();
  const viewsLeftOut = options.includeViews ? [] : rows.filter(({ kind }) => kind === 'v');
  const partlyReadable = new Map<number, ConnectorError>();
  for (const row of rows) {
    // Partitions and chunks are read through their parent; views are read only where asked for.
    if (row.isPartition || (row.kind === 'v' && !options.includeViews) || isChunk(row.oid, row.schema, hypertables))
      continue;
    const { columns = [], layout = NO_COLUMNS } = columnsOf.get(row.oid) ?? {};
    const rights = columns.map((column) => ({ name: column[0], selectable: column[11] }));
    const denied = whyUnreadable(row, rights, server.user);
    const partly = denied !== undefined && isPartlyReadable(row, rights);
    if (partly) partlyReadable.set(row.oid, denied);
    const problem = (partly ? undefined : denied) ?? lockProblem(row, columns);
    if (problem !== undefined) unreadable.set(row.oid, problem);
    const descending = membersOf(row.oid);
    const members = descending.flatMap((oid) => byOid.get(oid) ?? []);
    const why = whyThroughRoot(row, members, descending.length, hypertables);
    // A foreign table's constraints are claims, and an inheritance parent's do not hold over its children.
    const hasConstraints =
      row.kind === 'p' ? members.every((member) => member.kind !== 'f') : row.kind === 'r' && members.length === 0;
    const parts = [row, ...members]
      .filter((member) => member.kind !== 'p')
      .map((member) => toRelation(member, columns, server));
    // SELECT on a table lets its partitions be read through it, but not by themselves.
    const hidden = members.filter((member) => !member.schemaUsage || !member.selectable);
    const relations = why === undefined ? parts : [throughRoot(row, parts)];
    const policed = members.filter((member) => member.rowSecurity).map((member) => tableKey(member));
    tables.push({
      oid: row.oid,
      schema: row.schema,
      name: row.name,
      kind: KINDS[row.kind],
      comment: row.comment,
      columns: columns.map((column) => toColumn(column, hasConstraints, options.typeMode, userTypes.get(column[14]))),
      layout,
      // A hypertable's key holds for its chunks; the key of another parent says nothing about its children.
      primaryKey: row.kind === 'r' && members.length > 0 && why !== 'hypertable' ? [] : (row.primaryKey ?? []),
      relations,
      ...(why === undefined ? {} : { throughRoot: why }),
      rowSecurity: row.rowSecurity,
      ...(hidden.length === 0 ? {} : { hiddenMembers: hidden.map((member) => hiddenMember(member, server.user)) }),
      ...(policed.length === 0 ? {} : { policedMembers: policed }),
      ...(row.policies === null ? {} : { policies: row.policies.digest }),
      ...(row.policies?.elsewhere === true ? { policiesLookElsewhere: true as const } : {}),
      ...([row.oid, ...descending].some((oid) => subscribed.has(oid)) ? { subscribed: true as const } : {}),
      ...(columns.some(isUndescribed) ? { undescribed: true as const } : {}),
      estimatedRows: relations.reduce((sum, relation) => sum + relation.rows, 0),
      bytes: relations.reduce((sum, relation) => sum + relation.bytes, 0),
    });
  }
  tables.sort((a, b) => compare(a.schema, b.schema) || compare(a.name, b.name));
  return { server, tables, unreadable, partlyReadable, viewsLeftOut };
}

/** Another expression would have rewritten the table, which its file shows. */
function isUndescribed([, , , , , , , expression, , , , , , , , generated]: ColumnRow): boolean {
  return generated === 's' && expression === null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function toRelation(row: RelationRow, columns: readonly ColumnRow[], server: ServerInfo): Relation {
  const blocks = Math.ceil(row.heapBytes / server.blockSize);
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    blocks,
    rows: estimateRows(row, blocks, columns, server.blockSize),
    bytes: row.heapBytes + row.toastBytes,
    rangeReadable: row.isHeap && server.versionNumber >= RANGE_SCAN_VERSION && row.systemColumns,
    ...(row.kind === 'v' || row.kind === 'f' || row.systemColumns ? {} : { withoutSystemColumns: true as const }),
  };
}

function hiddenMember(row: RelationRow, user: string): HiddenMember {
  return { schema: row.schema, name: row.name, grants: grantsOf(row, user) };
}

/** Bytes of a tuple beyond its values: header, line pointer, alignment. */
const TUPLE_OVERHEAD_BYTES = 32;
/** A guess at a value's stored size, for tables without statistics. */
const VALUE_BYTES = 12;

/** pg_class.reltuples, scaled by how much the table has grown since they were counted. */
function estimateRows(row: RelationRow, blocks: number, columns: readonly ColumnRow[], blockSize: number): number {
  if (row.kind === 'v' || row.kind === 'f') return Math.max(0, Math.round(row.tuples));
  // Never analyzed: -1 since PostgreSQL 14, 0 with 0 pages before.
  if (row.tuples < 0 || row.pages === 0) {
    return Math.round((blocks * blockSize) / (TUPLE_OVERHEAD_BYTES + VALUE_BYTES * columns.length));
  }
  return Math.round((row.tuples / row.pages) * blocks);
}

function toColumn(
  row: ColumnRow,
  hasConstraints: boolean,
  typeMode: TypeMode,
  userType: UserType | undefined,
): ColumnSchema {
  const [
    name,
    declaredType,
    typeName,
    category,
    isArray,
    modifier,
    notNull,
    defaultExpression,
    comment,
    maxLength,
    informationSchemaType,
    selectable,
    schema,
    place,
    ,
    generated,
  ] = row;
  const isVirtual = generated === 'v';
  const sourceType: SourceType = { schema, name: typeName, category, isArray, modifier };
  return {
    name,
    declaredType,
    informationSchemaType,
    sourceType,
    type: columnTypeOf(sourceType, typeMode),
    nullable: !notNull || !hasConstraints,
    defaultExpression,
    characterMaxLength: maxLength,
    comment,
    place,
    labels: userType?.labels ?? [],
    ...(isVirtual ? { virtual: true as const } : {}),
    ...(selectable ? {} : { denied: true as const }),
    madeOf: [userType?.attributes, isVirtual ? defaultExpression : undefined].filter((part) => part != null).join(' '),
  };
}

/** The expression of a virtual column decides its values, and whether they have changed, so the table is not read without. */
function lockProblem(row: RelationRow, columns: readonly ColumnRow[]): ConnectorError | undefined {
  const hidden = columns.find(
    ([, , , , , , , expression, , , , , , , , generated]) => generated === 'v' && expression === null,
  );
  if (hidden === undefined) return undefined;
  return new ConnectorError(
    `Another session holds a strong lock on ${row.schema}.${row.name}, so that what its virtual column "${hidden[0]}" is made of cannot be read.`,
    {
      code: 'lock_timeout',
      kind: 'source',
      sqlState: '55P03',
      hint: 'Run the sync again when that session has ended.',
    },
  );
}
