/**
 * How the C library keeps the memory of this process. Both settings are of the whole process; without the addon nothing is
 * set. `app/sync-memory` decides when, and docs/PERFORMANCE.md says what each is worth.
 */
import { loadAddon } from './addon';

/** Enough for the two threads that allocate at the same time most of the time: DuckDB's and the driver's. */
const MEMORY_ARENAS = 2;

/** Keeps the C library from holding memory for every thread; without the addon, nothing is done. */
export function limitMemoryArenas(): void {
  loadAddon().addon?.limitMemoryArenas(MEMORY_ARENAS);
}

/** Blocks up to `block` bytes come from the heap, which keeps `heap` bytes that are not in use. */
const KEPT_BYTES = {
  batches: { block: 8 * 1024 * 1024, heap: 16 * 1024 * 1024 },
  longValues: { block: 16 * 1024 * 1024, heap: 64 * 1024 * 1024 },
};

/**
 * For `batches`: saves a tenth of the time of a sync that is limited by reading, for 15 MB of memory. Not worth it
 * beside DuckDB, where it costs 25 MB and reading is not the limit.
 *
 * For `longValues`, whose cells have megabytes: a fifth of the process's CPU time when they are only read, a tenth
 * beside DuckDB, for up to 100 MB.
 */
export function keepFreedMemory(of: keyof typeof KEPT_BYTES): void {
  const { block, heap } = KEPT_BYTES[of];
  loadAddon().addon?.keepFreedMemory?.(block, heap);
}
