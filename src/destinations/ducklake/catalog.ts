/** Where a lake is: what its options say, and what DuckDB's ATTACH takes. */
import { dirname, join } from 'node:path';

/** The program that keeps the catalog. A file serves one process; a server serves as many as wish. */
export type CatalogKind = 'duckdb' | 'sqlite' | 'postgres';

export interface LakePlace {
  /** A file, `sqlite:` and a file, or a connection string of PostgreSQL. */
  readonly catalog: string;
  /** A folder, or a URL of an object store; undefined: as the catalog says, or beside its file. */
  readonly dataPath: string | undefined;
  /** Folder of DuckDB's extensions; undefined: where DuckDB installs them. */
  readonly extensions: string | undefined;
}

export function catalogKind(catalog: string): CatalogKind {
  if (/^postgres(ql)?:/i.test(catalog) || /^\s*\w+\s*=/.test(catalog)) return 'postgres';
  return /^sqlite:/i.test(catalog) || /\.sqlite3?$/i.test(catalog) ? 'sqlite' : 'duckdb';
}

/** The catalog's file; undefined where a server keeps it. */
export function catalogFile(catalog: string): string | undefined {
  return catalogKind(catalog) === 'postgres' ? undefined : catalog.replace(/^sqlite:/i, '');
}

/** What stands behind `ducklake:` in an ATTACH. */
export function attachedCatalog(catalog: string): string {
  const kind = catalogKind(catalog);
  if (kind === 'postgres') return `postgres:${catalog}`;
  return kind === 'sqlite' ? `sqlite:${catalog.replace(/^sqlite:/i, '')}` : catalog;
}

/** Where a new lake's files go; undefined where that must be said. */
export function newDataPath({ catalog, dataPath }: LakePlace): string | undefined {
  const file = catalogFile(catalog);
  return dataPath ?? (file === undefined ? undefined : join(dirname(file), 'data'));
}

/** Whether it is in an object store. */
export function isRemote(dataPath: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(dataPath);
}
