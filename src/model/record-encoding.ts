/** The interface of the addon's encoder of packed batches (native/record_encoder.cc), which src/fivetran uses. */

/** In the order of enum ValueKind in native/record_encoder.h. */
export const KINDS = ['boolean', 'integer', 'float32', 'float64', 'timestamp', 'text', 'binary'] as const;
export type ValueKind = (typeof KINDS)[number];

export interface NativeColumn {
  /** Place in KINDS. */
  readonly kind: number;
  /** Number in ValueType, at most 15. */
  readonly field: number;
  /** The largest value of an integer kind. */
  readonly most: bigint;
  /** Parts of the map entry: the key's field, and the tag of its value. */
  readonly name: Buffer;
  readonly nullable: boolean;
  /** Packed, in the plain encoding. */
  readonly text: string;
}

export interface NativeMessages {
  readonly bytes: Buffer;
  /** For each message: the number of its records, its start and its end. */
  readonly places: Uint32Array;
}

/** Returns undefined where the batch holds something that the caller must encode, or refuse, itself. */
export type EncodeRecords = (
  rows: number,
  /** The bytes that each record begins with. */
  beginning: Buffer,
  columns: readonly NativeColumn[],
  /** The bytes that each record ends with. */
  constants: Buffer,
  /** Records and bytes of a message, bytes of a record. */
  limits: readonly [records: number, bytes: number, rowBytes: number],
) => NativeMessages | undefined;
