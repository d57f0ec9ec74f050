/** Where a lake is: what its options say, and what DuckDB's ATTACH takes. */
import { dirname, join } from 'node:path';
import { catalogFile, catalogKind } from '../lake-names';

export interface LakePlace {
  /** A file, `sqlite:` and a file, or a connection string of PostgreSQL. */
  readonly catalog: string;
  /** A folder, or a URL of an object store; undefined: as the catalog says, or beside its file. */
  readonly dataPath: string | undefined;
  /** Folder of DuckDB's extensions; undefined: where DuckDB installs them. */
  readonly extensions: string | undefined;
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
