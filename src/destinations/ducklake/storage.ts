/** What a lake is like to those who write tables into it (destinations/duckdb/storage). */
import type { Storage } from '../duckdb';
import { lakeWriteError } from './errors';

/**
 * Each insert is a file, and a file has row groups of 122,880 rows at most. 1,000,000 rows of `orders` become 6 files, of
 * 32 MB of text each.
 */
const FILE_ROWS = 2 * 122_880;
const FILE_BYTES = 32_000_000;
const LEAST_HELD_BYTES = 64_000_000;
const MOST_HELD_BYTES = 192_000_000;
const HELD_SHARE = 0.1;
/**
 * Maintenance deletes a file that no snapshot has after 24 hours, and forgets snapshots. A transaction that is committed
 * later would miss its files, and DuckLake would not find what it conflicts with.
 */
const LONGEST_TRANSACTION_HOURS = 12;

/** `availableBytes`: of the host's memory. */
export function lakeStorage(availableBytes: number): Storage {
  return {
    changesTypes: false,
    knowsAddedNulls: false,
    appends: false,
    makesCheckpoints: false,
    insertedRows: FILE_ROWS,
    insertedBytes: FILE_BYTES,
    // Each portion would make files of its own.
    stagedRows: Infinity,
    stagedBytes: Infinity,
    heldBytes: Math.min(Math.max(availableBytes * HELD_SHARE, LEAST_HELD_BYTES), MOST_HELD_BYTES),
    keepsZeroSigns: false,
    longestTransactionHours: LONGEST_TRANSACTION_HOURS,
    snapshot: '(SELECT id FROM ducklake_current_snapshot(current_database()))',
    // DuckDB 1.5 misses equal values of this type in Parquet, where it looks for them by a Bloom filter.
    comparable: (value, storedType) => (storedType === 'BLOB' ? `hex(${value})` : value),
    // A dictionary of Parquet takes -0 for 0, or 0 for -0, as DuckDB 1.5 writes it: so there is 0 alone.
    stored: (value, storedType) => (storedType === 'DOUBLE' || storedType === 'FLOAT' ? `(${value} + 0)` : value),
    writeError: lakeWriteError,
  };
}
