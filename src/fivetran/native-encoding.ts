/**
 * Encodes batches with the addon's encoder, which takes a quarter of the time. It knows only the usual values. A batch
 * with anything else goes to the encoder in TypeScript, which can also say what is wrong.
 */
import { nativeRecordEncoder } from '../native/record-encoder';
import type { ColumnType } from '../model/column-type';
import type { PackedBatch } from '../model/packed-batch';
import { KINDS, type EncodeRecords, type ValueKind } from '../model/record-encoding';
import { entryName, FIELD, fieldOf } from './value-writers';
import type { EncodedRecords, WireColumn } from './wire-records';

export type MessageLimits = readonly [records: number, bytes: number, rowBytes: number];

interface NativeField {
  readonly index: number;
  readonly kind: number;
  readonly field: number;
  readonly most: bigint;
  readonly name: Buffer;
}

export class NativeEncoding {
  private readonly fields: readonly NativeField[];

  private constructor(
    private readonly encode: EncodeRecords,
    private readonly beginning: Buffer,
    columns: readonly WireColumn[],
    private readonly limits: MessageLimits,
  ) {
    this.fields = columns.map(({ name, type, index }) => ({
      index,
      kind: KINDS.indexOf(kindOf(type)),
      field: FIELD[fieldOf(type)],
      most: MOST[type.kind] ?? 0n,
      name: entryName(name),
    }));
  }

  /** undefined where there is no addon. */
  static create(
    beginning: Buffer,
    columns: readonly WireColumn[],
    limits: MessageLimits,
    encode: EncodeRecords | undefined = nativeRecordEncoder(),
  ): NativeEncoding | undefined {
    return encode === undefined ? undefined : new NativeEncoding(encode, beginning, columns, limits);
  }

  /** undefined where the batch has something unusual. */
  messages(batch: PackedBatch, constants: Buffer): EncodedRecords[] | undefined {
    const columns = this.fields.flatMap(({ index, ...field }) => {
      const packed = batch.columns[index];
      return packed?.encoding === 'plain' ? { ...field, nullable: packed.nullable, text: packed.text } : [];
    });
    if (columns.length < this.fields.length) return undefined;
    const encoded = this.encode(batch.rowCount, this.beginning, columns, constants, this.limits);
    if (encoded === undefined) return undefined;
    const { bytes, places } = encoded;
    return Array.from({ length: places.length / 3 }, (_, message) => {
      const [records = 0, start, end] = places.subarray(message * 3, message * 3 + 3);
      return { records, bytes: bytes.subarray(start, end) };
    });
  }
}

const MOST: Readonly<Partial<Record<ColumnType['kind'], bigint>>> = {
  int16: 32_767n,
  int32: 2_147_483_647n,
  int64: 9_223_372_036_854_775_807n,
};

function kindOf(type: ColumnType): ValueKind {
  switch (type.kind) {
    case 'int16':
    case 'int32':
    case 'int64':
      return 'integer';
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return 'timestamp';
    case 'boolean':
    case 'float32':
    case 'float64':
    case 'binary':
      return type.kind;
    case 'decimal':
    case 'decimal-unbounded':
    case 'string':
    case 'json':
    case 'xml':
      return 'text';
  }
}
