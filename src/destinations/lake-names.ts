/** What the options of a lake name, told from their form; nothing is opened. */

/** The program that keeps the catalog. A file serves one process; a server serves as many as wish. */
export type CatalogKind = 'duckdb' | 'sqlite' | 'postgres';

export function catalogKind(catalog: string): CatalogKind {
  if (/^postgres(ql)?:/i.test(catalog) || /^\s*\w+\s*=/.test(catalog)) return 'postgres';
  return /^sqlite:/i.test(catalog) || /\.sqlite3?$/i.test(catalog) ? 'sqlite' : 'duckdb';
}

/** The catalog's file; undefined where a server keeps it. */
export function catalogFile(catalog: string): string | undefined {
  return catalogKind(catalog) === 'postgres' ? undefined : catalog.replace(/^sqlite:/i, '');
}

/** Whether it is in an object store. */
export function isRemote(dataPath: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(dataPath);
}

export function isAzure(dataPath: string): boolean {
  return /^(az|azure|abfss?):/i.test(dataPath);
}

/** A lake's catalog without a password, for people. */
export function shownCatalog(catalog: string): string {
  return catalog
    .replace(/(\b(?:ssl)?password\s*=\s*|\boauth_client_secret\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)/gi, '$1***')
    .replace(/^([a-z]+:\/\/[^:/@]*:)[^@]*@/i, '$1***@');
}
