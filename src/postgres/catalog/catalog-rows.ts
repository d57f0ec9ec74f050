/** The rows that the queries of the catalog return, and the facts that are made from them. */
import type { ConnectorError } from '../../common/errors';
import type { TableSchema } from '../../model/table';
import type { TypeMode } from './column-types';
import type { MemberFacts } from './table-members';

export interface ServerInfo {
  readonly version: string;
  readonly versionNumber: number;
  readonly blockSize: number;
  readonly database: string;
  readonly standby: boolean;
  readonly user: string;
  /** As PostgreSQL names it: UTF8, LATIN1, SQL_ASCII. */
  readonly encoding: string;
}

/** A column that may tell which rows are new. */
export interface KeyCandidate {
  readonly column: string;
  /** Leads a valid B-tree index, so that its newest rows are found without reading the others. */
  readonly indexed: boolean;
  /** NULLs by the statistics; 0 where the column is NOT NULL, null where nothing is known. */
  readonly nullFraction: number | null;
}

export interface Catalog {
  readonly server: ServerInfo;
  /** Every table that may be read, filters not applied, ordered by schema and name. */
  readonly tables: readonly TableSchema[];
  /** Tables that the role may not read, with the sentence that says what to grant. */
  readonly unreadable: ReadonlyMap<number, ConnectorError>;
  /** Tables of which the role may read some columns only, with what is said where the others are to be read as well. */
  readonly partlyReadable: ReadonlyMap<number, ConnectorError>;
  /** Views, where they are not asked for. */
  readonly viewsLeftOut: readonly { readonly schema: string; readonly name: string }[];
}

/** A catalog, with what else was asked in the same statements. */
export interface Discovered extends Catalog {
  /** Whose transaction ids they are; see source-identity. */
  readonly source: string;
  /** Columns of type date, timestamp or timestamptz by table oid. */
  readonly candidates: ReadonlyMap<number, readonly KeyCandidate[]>;
}

/** The settings of discovery; structurally a part of the settings. */
export interface DiscoveryOptions {
  readonly includeViews: boolean;
  readonly typeMode: TypeMode;
}

export interface RelationRow extends MemberFacts {
  readonly name: string;
  readonly kind: 'r' | 'p' | 'm' | 'f' | 'v';
  readonly isPartition: boolean;
  readonly tuples: number;
  readonly pages: number;
  readonly heapBytes: number;
  readonly toastBytes: number;
  readonly isHeap: boolean;
  /** Whether the role may read ctid and xmin. */
  readonly systemColumns: boolean;
  readonly populated: boolean;
  readonly comment: string | null;
  readonly policies: { readonly digest: string; readonly elsewhere: boolean } | null;
  readonly primaryKey: readonly string[] | null;
}

export type ColumnRow = readonly [
  name: string,
  declaredType: string,
  typeName: string,
  typeCategory: string,
  isArray: boolean,
  modifier: number,
  notNull: boolean,
  defaultExpression: string | null,
  comment: string | null,
  maxLength: number | null,
  informationSchemaType: string,
  selectable: boolean,
  typeSchema: string,
  place: number,
  typeOid: number,
  generated: '' | 's' | 'v',
];

export interface TableColumns {
  readonly table: number;
  readonly columns: readonly ColumnRow[];
  readonly layout: string;
}

export interface UserType {
  readonly type: number;
  readonly labels: readonly string[];
  readonly attributes: string | null;
}
