/** DuckDB's packages, loaded on first use: the library is large, and `--help` does without it. */

import { statSync } from 'node:fs';

/** Rows of a vector. */
export const VECTOR_ROWS = 2048;

/** The variable that the allocator of DuckDB's library (jemalloc) reads when the library is loaded. */
const ALLOCATOR_OPTIONS = 'DUCKDB_JE_MALLOC_CONF';
const LARGE_FILE_BYTES = 64_000_000;

/**
 * Each thread would keep a cache of freed blocks. Without it, 1,000,000 rows of 11 columns took 20 MB less, and 200 columns
 * 40 MB less, in the same time.
 */
const WITHOUT_CACHES = 'tcache:false';

/**
 * Has DuckDB give freed memory back at once where the warehouse is a large file: it would keep what each thread has freed
 * for ten seconds. Where a tenth of 10,000,000 rows changed, that was 60 MB. It costs an eighth more CPU time of such
 * changes. Where few rows of 10,000,000 changed, DuckDB's statements took 0.82 s of CPU time instead of 0.49. A load into
 * a new file would cost more as well, for less memory.
 *
 * It must be called before the library is loaded, and changes nothing afterwards.
 */
export function giveFreedMemoryBack(file: string): void {
  if (sizeOf(file) > LARGE_FILE_BYTES)
    process.env[ALLOCATOR_OPTIONS] ??= `${WITHOUT_CACHES},dirty_decay_ms:0,muzzy_decay_ms:0`;
}

/** A path that leads nowhere is for those to complain of who open it. */
function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** `import()` would start Node's loader of ES modules first, which takes 60 ms longer. */
export function duckdb(): typeof import('@duckdb/node-api') {
  process.env[ALLOCATOR_OPTIONS] ??= WITHOUT_CACHES;
  return require('@duckdb/node-api') as typeof import('@duckdb/node-api');
}

export function duckdbBindings(): typeof import('@duckdb/node-bindings') {
  process.env[ALLOCATOR_OPTIONS] ??= WITHOUT_CACHES;
  return require('@duckdb/node-bindings') as typeof import('@duckdb/node-bindings');
}
