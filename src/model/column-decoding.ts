/**
 * The interface of the addon's decoder of packed columns (native/column_decoder.cc, native/row_source.cc), which
 * destinations are handed.
 */

/**
 * In the order of enum VectorKind in native/column_decoder.h. Decimal kinds are named after the integers that DuckDB
 * keeps them in.
 */
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
  /** For decimals; 0 for all other kinds. */
  readonly precision: number;
  readonly scale: number;
  /** Whether the NULL marker is NULL. */
  readonly nullable: boolean;
  /** Whether `text` is the digits of values of this kind (model/binary-values). */
  readonly digits: boolean;
  /** Whether the escaped encoding is to be undone. */
  readonly escaped: boolean;
  /** Whether `text` is known to be ASCII, which takes half the work. Text that is not ASCII would be damaged. */
  readonly ascii: boolean;
  /** The packed column (model/packed-batch). */
  readonly text: string;
}

/** Fields of each column in the result. The end of all vectors in the arena follows them. */
export const DECODED_FIELDS = 3;

/** The most bytes that a column of `rows` values and `length` UTF-16 code units takes in the arena. */
export function mostDecodedBytes(rows: number, length: number): number {
  return length * 3 + Math.ceil(rows / 64) * 8 + rows * 16 + 32;
}

/**
 * Decodes columns of `rows` values each into DuckDB's vectors, one after the other in `arena` from the offset `from`
 * on. The arena must have room for the most that they may take, and be left alone until the promise settles. Decoded
 * values may point into it.
 *
 * The result has three fields for each column. The first is 1 where it was decoded as asked. It is 0 where a value is
 * unusual for its kind and the vector holds texts instead, and -1 where digits cannot be decoded as asked: then there is
 * no vector. The second is the offset of the values. The third is the offset of the validity, or -1 where no value is
 * NULL. Rejects where a column does not have as many values as rows.
 */
export type DecodeColumns = (
  rows: number,
  columns: readonly VectorRequest[],
  arena: ArrayBuffer,
  from: number,
) => Promise<Float64Array>;

/** Decoded rows of one batch, as the addon hands them to DuckDB. */
export interface DecodedPart {
  readonly rowCount: number;
  /**
   * The vectors' types, separated by semicolons: each is a number of the C API's enum duckdb_type, and behind a colon the
   * precision and scale of a decimal (`19:10:2`), or an alias (`17:JSON`).
   */
  readonly signature: string;
  /** It must be left alone while a statement uses the rows. */
  readonly arena: ArrayBuffer;
  /**
   * PLACE_FIELDS fields for each column: the bytes of a value, the offset of the values in the arena, and that of the
   * validity, or -1 where no value is NULL.
   */
  readonly places: Float64Array;
}

export const PLACE_FIELDS = 3;

/** A table function's rows. */
export interface RowSource {
  /** The rows of the statement that runs next. Each of its scans has all of them, in their order. */
  use(parts: readonly DecodedPart[]): void;
}

export interface ColumnDecoder {
  readonly decode: DecodeColumns;
  /**
   * Registers a table function of that name, whose one parameter is the rows' signature and whose columns are c0, c1, …
   * `connection` is that of @duckdb/node-bindings, outside of any transaction. A statement fails where it uses no rows,
   * or rows of another signature.
   */
  readonly registerRows: (connection: unknown, name: string) => RowSource;
  /** Writes the rows of one part, at most a vector's, into the first columns of a chunk of @duckdb/node-bindings. */
  readonly fillChunk: (chunk: unknown, part: DecodedPart) => void;
}
