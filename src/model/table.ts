/**
 * A table of the source as the catalog describes it.
 *
 * This room has the types that travel between layers, with the small functions that belong to them, and does nothing by
 * itself: no file of it opens, reads or waits. Every layer comes in. Start here for tables, `packed-batch` for rows,
 * `sync-state` for what is remembered, `plan` and `report` for a sync before and after.
 */
import type { ColumnPolicy, WithheldColumn } from './column-policy';
import type { ColumnType } from './column-type';

export interface ColumnSchema {
  readonly name: string;
  /** As PostgreSQL prints it, with modifiers: `numeric(10,2)`, `public.mood`, `integer[]`. */
  readonly declaredType: string;
  /** As information_schema.columns names it: `character varying`, `ARRAY`, `USER-DEFINED`. */
  readonly informationSchemaType: string;
  /** The type's own description, domains resolved to their base type. */
  readonly sourceType: SourceType;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly defaultExpression: string | null;
  readonly characterMaxLength: number | null;
  readonly comment: string | null;
  /** pg_attribute.attnum: never used again, so that another column of the same name is told apart. */
  readonly place: number;
  /** Labels of the enums that its type is made of, in the order of their creation. */
  readonly labels: readonly string[];
  /**
   * Definitions that shape its values besides the stored rows: attributes of composite types, a virtual column's
   * expression.
   */
  readonly madeOf: string;
  /** Computed by an expression at each reading, which may fail (PostgreSQL 18). */
  readonly virtual?: true;
  /** The role may not read it. */
  readonly denied?: true;
  /** It is read otherwise than as it is; `type` is then that of what is read. */
  readonly policy?: ColumnPolicy;
}

export interface SourceType {
  /** Schema of the base type, or of the array type. */
  readonly schema: string;
  /** pg_type.typname of the base type; for an array, of the array type (`_int4`). */
  readonly name: string;
  /** pg_type.typtype: b base, c composite, e enum, r range, m multirange, p pseudo. */
  readonly category: string;
  readonly isArray: boolean;
  /** atttypmod, or the domain's; -1 when there is none. */
  readonly modifier: number;
}

/** How a relation can be read. */
export type RelationKind = 'table' | 'partitioned' | 'materialized_view' | 'foreign' | 'view';

/** A relation with storage (or, for the cursor path, without): what one range of a read refers to. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Heap pages of 8 kB (the server's block size). */
  readonly blocks: number;
  /** Estimate, never negative. */
  readonly rows: number;
  /** Heap and TOAST, bytes. */
  readonly bytes: number;
  /** Whether the table access method supports ranges of ctid, and the server does (PostgreSQL 14). */
  readonly rangeReadable: boolean;
  /** The role may read some columns only, and ctid and xmin are not among them. */
  readonly withoutSystemColumns?: true;
  /** Read together with its partitions or children, as `SELECT … FROM` the table would. */
  readonly includesChildren?: true;
}

/** A partition or child that the role may not read by itself. */
export interface HiddenMember {
  readonly schema: string;
  readonly name: string;
  /** The GRANT statements that would allow it. */
  readonly grants: string;
}

/**
 * Why a table is read through its root, with the rows that `SELECT … FROM` it gives, rather than each of its partitions
 * or children by itself.
 */
export type ThroughRoot =
  /** The role may not read each of them by itself. */
  | 'privileges'
  /** Policies of a partition do not apply when its parent is selected; the parent's apply to all rows. */
  | 'row-security'
  /** They are chunks of TimescaleDB, which may be compressed: their rows come only through the hypertable. */
  | 'hypertable'
  /** A virtual column has another expression in a partition than in its parent, whose expression is what counts. */
  | 'virtual-column'
  /** The catalog shows a child about which nothing more is known, such as a temporary one. */
  | 'unknown-child';

/** One destination table: an ordinary relation, or a partitioned one with its leaves. */
export interface TableSchema {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  readonly comment: string | null;
  readonly columns: readonly ColumnSchema[];
  /** Columns that the configuration or the role's privileges keep from being read. */
  readonly withheld?: readonly WithheldColumn[];
  /** A digest of the columns in the catalog; see `checkLayout` in postgres/catalog. */
  readonly layout: string;
  /** Column names in key order; empty when there is no primary key. */
  readonly primaryKey: readonly string[];
  /** The relations to read: the table itself, or the leaves of a partitioned one. */
  readonly relations: readonly Relation[];
  /** Missing: its relations are read one by one. */
  readonly throughRoot?: ThroughRoot;
  /** Row-level security applies to the role: it may see only some of the rows. */
  readonly rowSecurity: boolean;
  /** The table is read as a whole because of them, by one reader with a cursor. */
  readonly hiddenMembers?: readonly HiddenMember[];
  /** Policies that are in force for the role when one of these partitions is selected, and are not when the table is. */
  readonly policedMembers?: readonly string[];
  /** A digest of the policies and the role, where row-level security applies. */
  readonly policies?: string;
  /** A policy asks other tables or functions, so that rows come and go without being written. */
  readonly policiesLookElsewhere?: true;
  /** Rows arrive by logical replication, with the times of their origin. */
  readonly subscribed?: true;
  /** Another session has it locked, so what its stored generated columns are made of is missing: the rows have their values. */
  readonly undescribed?: true;
  /** Sums over the relations. */
  readonly estimatedRows: number;
  readonly bytes: number;
}

/**
 * `schema.name`: the key of state entries and log lines. Names with a dot are quoted, or "a.b"."c" and
 * "a"."b.c" would be one table.
 */
/** Why it has no key, as a phrase. A parent's key says nothing of the rows of its children, which are read with it. */
export function whyNoKey({ kind, oid, relations }: TableSchema): string {
  return kind === 'table' && relations.some((relation) => relation.oid !== oid || relation.includesChildren === true)
    ? 'no primary key covers the rows of its child tables'
    : 'it has no primary key';
}

export function tableKey(table: { readonly schema: string; readonly name: string }): string {
  return `${quotedIfNeeded(table.schema)}.${quotedIfNeeded(table.name)}`;
}

function quotedIfNeeded(name: string): string {
  return /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
