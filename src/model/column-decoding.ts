/** The interface of the addon's decoder of packed columns (native/column_decoder.cc), which destinations are handed. */

/** In the order of enum VectorKind in native/column_decoder.h. Decimals by the integers that DuckDB keeps them in. */
export const VECTOR_KINDS = [
  'text',
  'boolean',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'decimal16',
  'decimal32',
  'decimal64',
  'decimal128',
  'date',
  'timestamp',
  'timestamptz',
  'blob',
] as const;
export type VectorKind = (typeof VECTOR_KINDS)[number];

export interface VectorRequest {
  /** Place in VECTOR_KINDS. */
  readonly kind: number;
  /** Of decimals; else 0. */
  readonly precision: number;
  readonly scale: number;
  /** Whether the NULL marker is NULL. */
  readonly nullable: boolean;
  /** Whether `text` is the digits of values of this kind (model/binary-values). */
  readonly digits: boolean;
  /** Whether the escaped encoding is to be undone. */
  readonly escaped: boolean;
  /** Whether `text` is known to be ASCII, which takes half the work; what is not would be damaged. */
  readonly ascii: boolean;
  /** Packed. */
  readonly text: string;
}

/** Of each column in the result, after which comes the end of all vectors in the arena. */
export const DECODED_FIELDS = 3;

/** Bytes that a column of `rows` values and `length` UTF-16 code units may take in the arena. */
export function mostDecodedBytes(rows: number, length: number): number {
  return length * 3 + Math.ceil(rows / 64) * 8 + rows * 16 + 32;
}

/**
 * Decodes columns of `rows` values each into DuckDB's vectors, one after the other in `arena` from the offset `from` on,
 * where it must have room for the most that they may take and be left alone until the promise is settled. What is
 * decoded may point into it.
 *
 * Per column: 1 where it was decoded as asked, 0 where it is a vector of texts instead, since a value is unusual for
 * its kind, and -1 where it is digits that cannot be decoded as asked, and no vector at all; the offset of the values; the offset of the validity, or -1 where no value is NULL. Fails where a column
 * has not as many values as rows.
 */
export type DecodeColumns = (
  rows: number,
  columns: readonly VectorRequest[],
  arena: ArrayBuffer,
  from: number,
) => Promise<Float64Array>;
