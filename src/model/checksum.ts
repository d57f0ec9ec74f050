/**
 * A checksum of rows that does not depend on their order: for every row 128 bits of a hash, summed modulo
 * 2^64 in two halves. So parts may be summed apart, in parallel, on either side, and added.
 *
 * What equal checksums prove: a row's hash is MD5 over the canonical texts of all its columns, written so that
 * no two rows share one encoding (see `encodeCell`); equal sums and equal counts therefore mean the same rows,
 * each as often, save for a coincidence of 1 in 2^128. A column's canonical text is the same on both sides
 * exactly when the value is the same one (postgres/checksum/canonical-text, destinations/duckdb/verify/postgres-text).
 */
export interface Checksum {
  readonly rows: number;
  /** Unsigned, 64 bits each. */
  readonly high: bigint;
  readonly low: bigint;
}

export const EMPTY_CHECKSUM: Checksum = { rows: 0, high: 0n, low: 0n };

/** Makes a checksum; the parts may be signed or larger than 64 bits, and are taken modulo 2^64. */
export function checksum(rows: number, high: bigint, low: bigint): Checksum {
  return { rows, high: BigInt.asUintN(64, high), low: BigInt.asUintN(64, low) };
}

export function addChecksums(a: Checksum, b: Checksum): Checksum {
  return checksum(a.rows + b.rows, a.high + b.high, a.low + b.low);
}

export function sameChecksum(a: Checksum, b: Checksum): boolean {
  return a.rows === b.rows && a.high === b.high && a.low === b.low;
}

/** For a state, or a comparison of texts. */
export function checksumText({ rows, high, low }: Checksum): string {
  return `${rows} ${high} ${low} `;
}

/** Checksums by group of keys; a group without rows has no entry. */
export type GroupChecksums = ReadonlyMap<number, Checksum>;

/** Keys fall into groups by the first 16 bits of their MD5; `bits` of them count, 0 to 16. */
export const MOST_GROUP_BITS = 16;

/** The encodings on three sides (PostgreSQL, DuckDB, JavaScript) must agree on these. */
export const CELL_END = '\u001f';
export const NULL_CELL = '\u001d';
