/**
 * Encodes packed batches as messages of the stream, without an object per value or row.
 *
 * A message is an UpdateResponse with Records: at most 100 of them, and about 100 kB, unless a single one is larger. A
 * record carries every column of the table, each as an entry of its map.
 */
import { ConnectorError } from '../common/errors';
import type { PackedBatch } from '../model/packed-batch';
import { NativeEncoding } from './native-encoding';
import { PackedCells } from './packed-cells';
import { columnWriter, ValueDoesNotFit, type ColumnWriter } from './value-writers';
import { Bytes, varintBytes, WireBuffer } from './wire-buffer';
import type { EncodedRecords, WireColumn } from './wire-records';
import type { WireName } from './wire-names';

export const MOST_RECORDS = 100;
export const MESSAGE_BYTES = 100_000;
/** The platform takes messages up to 128 MB; a row must leave room for the bytes around it. */
const MOST_ROW_BYTES = 120_000_000;

const RECORD_TYPE = { upsert: 0, update: 1, delete: 2, truncate: 3 } as const;
export type RecordType = keyof typeof RECORD_TYPE;

const RECORDS_OPERATION = 0x32; // field 6 of UpdateResponse
const RECORD = 0x0a; // field 1 of Records
const SCHEMA_NAME = 0x0a;
const TABLE_NAME = 0x12;
const TYPE = 0x18;

export interface WireTable extends WireName {
  /** `schema.table` of the source, for messages. */
  readonly key: string;
}

export class RecordEncoder {
  private readonly writers: readonly ColumnWriter[];
  private readonly beginning: Bytes;
  private readonly native: NativeEncoding | undefined;

  constructor(
    private readonly table: WireTable,
    type: RecordType,
    private readonly columns: readonly WireColumn[],
    /** A date of this column became NULL, because the wire cannot carry it. */
    unrepresentable: (column: string) => void = () => undefined,
    /** False: the addon is not used, even where it exists. */
    useAddon = true,
  ) {
    this.writers = columns.map(({ name, type: kind }) => columnWriter(name, kind, () => unrepresentable(name)));
    this.beginning = new Bytes(recordBeginning(table, type));
    const limits = [MOST_RECORDS, MESSAGE_BYTES, MOST_ROW_BYTES] as const;
    this.native = useAddon ? NativeEncoding.create(this.beginning.bytes, columns, limits) : undefined;
  }

  /** Messages of up to 100 rows; every record carries `constants` as well. */
  *messages(batch: PackedBatch, constants: Bytes): Generator<EncodedRecords, void, void> {
    const ready = this.native?.messages(batch, constants.bytes);
    if (ready !== undefined) {
      yield* ready;
      return;
    }
    const cells = this.columns.map((column) => cellsOf(batch, column));
    const out = new WireBuffer();
    let records = 0;
    for (let row = 0; row < batch.rowCount; row += 1) {
      const before = out.length;
      this.encodeRow(out, cells, row, constants);
      records += 1;
      if (records > 1 && out.length > MESSAGE_BYTES) {
        yield { records: records - 1, bytes: framed(out, before) };
        out.bytes.copyWithin(0, before, out.length);
        out.length -= before;
        records = 1;
      }
      if (records === MOST_RECORDS || out.length > MESSAGE_BYTES) {
        yield { records, bytes: framed(out, out.length) };
        out.clear();
        records = 0;
      }
    }
    if (records > 0) yield { records, bytes: framed(out, out.length) };
  }

  private encodeRow(out: WireBuffer, cells: readonly PackedCells[], row: number, constants: Bytes): void {
    out.reserve(8 + this.beginning.length + constants.length);
    out.byte(RECORD);
    // Two bytes hold the length of most rows; lengthBefore moves the longer ones.
    out.length += 2;
    const from = out.length;
    out.all(this.beginning);
    for (let index = 0; index < cells.length; index += 1) {
      const column = cells[index];
      const writer = this.writers[index];
      if (column === undefined || writer === undefined) continue;
      if (column.isNull(row)) {
        writer.writeNull(out);
        continue;
      }
      try {
        writer.write(out, column.source, column.start(row), column.end(row));
      } catch (error) {
        throw error instanceof ValueDoesNotFit ? this.misfit(index, error) : error;
      }
      if (out.length - from > MOST_ROW_BYTES) throw this.tooLarge();
    }
    out.reserve(constants.length);
    out.all(constants);
    out.lengthBefore(from, 2);
  }

  private misfit(index: number, error: ValueDoesNotFit): ConnectorError {
    const name = this.columns[index]?.name ?? '';
    return new ConnectorError(`Column ${name} of ${this.table.key} holds a value that is not ${error.message}.`, {
      code: 'value_does_not_fit',
      kind: 'source',
      hint: 'Correct the transformation that writes the column.',
    });
  }

  private tooLarge(): ConnectorError {
    return new ConnectorError(
      `A row of ${this.table.key} has more than ${MOST_ROW_BYTES / 1_000_000} MB, which no message to Fivetran can hold.`,
      {
        code: 'row_too_large',
        kind: 'source',
        hint: 'Deselect the column with the large values, or exclude the table with "table_filters".',
      },
    );
  }
}

/** A message with one record without data. */
export function encodeTruncate(table: WireTable): Buffer {
  const record = recordBeginning(table, 'truncate');
  const records = Buffer.concat([Buffer.from([RECORD]), varintBytes(record.length), record]);
  return Buffer.concat([Buffer.from([RECORDS_OPERATION]), varintBytes(records.length), records]);
}

function recordBeginning(table: WireTable, type: RecordType): Buffer {
  const text = (tag: number, value: string): Buffer => {
    const bytes = Buffer.from(value, 'utf8');
    return Buffer.concat([Buffer.from([tag]), varintBytes(bytes.length), bytes]);
  };
  return Buffer.concat([
    ...(table.schemaName === undefined ? [] : [text(SCHEMA_NAME, table.schemaName)]),
    text(TABLE_NAME, table.tableName),
    // Zero, which is UPSERT, is not written in proto3.
    ...(RECORD_TYPE[type] === 0 ? [] : [Buffer.from([TYPE, RECORD_TYPE[type]])]),
  ]);
}

/** The first `length` bytes as a message of its own. */
function framed(out: WireBuffer, length: number): Buffer {
  const size = varintBytes(length);
  const message = Buffer.allocUnsafe(1 + size.length + length);
  message[0] = RECORDS_OPERATION;
  size.copy(message, 1);
  out.bytes.copy(message, 1 + size.length, 0, length);
  return message;
}

function cellsOf(batch: PackedBatch, column: WireColumn): PackedCells {
  const packed = batch.columns[column.index];
  if (packed === undefined)
    throw new ConnectorError(`A batch lacks column ${column.name}.`, { code: 'batch_shape', kind: 'internal' });
  return PackedCells.of(packed);
}
