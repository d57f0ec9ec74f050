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
  /** Of the enums that its type is made of, in the order of their creation. */
  readonly labels: readonly string[];
  /** What else makes its values, besides what rows hold: attributes of composite types, a virtual column's expression. */
  readonly madeOf: string;
  /** Computed by an expression at each reading, which may fail (PostgreSQL 18). */
  readonly virtual?: true;
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
  /** Read together with its partitions or children, which the role may not read by themselves. */
  readonly includesChildren?: true;
}

/** A partition or child that the role may not read by itself. */
export interface HiddenMember {
  readonly schema: string;
  readonly name: string;
  /** The statements that would let it. */
  readonly grants: string;
}

/** One destination table: an ordinary relation, or a partitioned one with its leaves. */
export interface TableSchema {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  readonly comment: string | null;
  readonly columns: readonly ColumnSchema[];
  /** A digest of the columns in the catalog; see source/snapshot `checkUnaltered`. */
  readonly layout: string;
  /** Column names in key order; empty when there is no primary key. */
  readonly primaryKey: readonly string[];
  /** What is read: the table itself, or the leaves of a partitioned one. */
  readonly relations: readonly Relation[];
  /** Row-level security applies to the role: it may see only some of the rows. */
  readonly rowSecurity: boolean;
  /** Because of them the table is read as a whole, by one reader with a cursor. */
  readonly hiddenMembers?: readonly HiddenMember[];
  /** Sums over the relations. */
  readonly estimatedRows: number;
  readonly bytes: number;
}

/**
 * `schema.name`: the key of state entries and log lines. Names with a dot are quoted, or "a.b"."c" and
 * "a"."b.c" would be one table.
 */
export function tableKey(table: { readonly schema: string; readonly name: string }): string {
  return `${quotedIfNeeded(table.schema)}.${quotedIfNeeded(table.name)}`;
}

function quotedIfNeeded(name: string): string {
  return /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
