/** DuckDB's packages, loaded on first use: the library is large, and `--help` does without it. */

/** Rows of a vector. */
export const VECTOR_ROWS = 2048;

/** `import()` would start Node's loader of ES modules first, which takes 60 ms longer. */
export function duckdb(): typeof import('@duckdb/node-api') {
  return require('@duckdb/node-api') as typeof import('@duckdb/node-api');
}

export function duckdbBindings(): typeof import('@duckdb/node-bindings') {
  return require('@duckdb/node-bindings') as typeof import('@duckdb/node-bindings');
}
