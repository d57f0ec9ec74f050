/**
 * Writes one value: from PostgreSQL's text straight to the bytes of a ValueType. Each writer gets the text's place in a
 * buffer and leaves a whole map entry in the output.
 *
 * Zero, false and the empty string are written too: inside a oneof their absence would have another meaning.
 */
import type { ColumnType } from '../model/column-type';
import { Bytes, int64Size, lowerHalf, upperHalf, varintBytes, varintSize, type WireBuffer } from './wire-buffer';
import { readTimestamp } from './timestamp-text';

/** Field numbers of ValueType. */
export const FIELD = {
  null: 1,
  boolean: 2,
  int16: 3,
  int32: 4,
  int64: 5,
  float32: 6,
  float64: 7,
  date: 8,
  timestamp: 9,
  timestamptz: 10,
  decimal: 11,
  binary: 12,
  string: 13,
  json: 14,
  xml: 15,
} as const;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const MAP_ENTRY = 0x22; // field 4 of Record, length-delimited
const MAP_KEY = 0x0a;
const MAP_VALUE = 0x12;
/** Values up to this size have their entry's first bytes computed beforehand. */
const SHORT_VALUE = 32;
/** Bytes of an entry beyond name and text. */
const ENTRY_OVERHEAD = 40;

/** The value does not have the column's type: a transformation has put it there. */
export class ValueDoesNotFit extends Error {}

export type ValueWriter = (out: WireBuffer, source: Bytes, start: number, end: number) => void;

export interface ColumnWriter {
  readonly write: ValueWriter;
  readonly writeNull: (out: WireBuffer) => void;
}

/** `unrepresentable` is called for each date that the wire cannot carry, which becomes NULL. */
export function columnWriter(name: string, type: ColumnType, unrepresentable: () => void): ColumnWriter {
  const entry = new EntryWriter(name);
  const nullEntry = entry.constant(Buffer.from([(FIELD.null << 3) | VARINT, 1]));
  const writeNull = (out: WireBuffer): void => {
    out.reserve(nullEntry.length);
    out.all(nullEntry);
  };
  const valueWriter = (): ValueWriter => {
    switch (type.kind) {
      case 'boolean':
        return booleanWriter(entry);
      case 'int16':
        return integerWriter(entry, FIELD.int16, 32_767);
      case 'int32':
        return integerWriter(entry, FIELD.int32, 2_147_483_647);
      case 'int64':
        return integerWriter(entry, FIELD.int64, Number.MAX_SAFE_INTEGER);
      case 'float32':
        return floatWriter(entry);
      case 'float64':
        return doubleWriter(entry);
      case 'date':
        return timestampWriter(entry, FIELD.date, writeNull, unrepresentable);
      case 'timestamp':
        return timestampWriter(entry, FIELD.timestamp, writeNull, unrepresentable);
      case 'timestamptz':
        return timestampWriter(entry, FIELD.timestamptz, writeNull, unrepresentable);
      case 'binary':
        return hexWriter(entry);
      case 'decimal':
      case 'decimal-unbounded':
        return textWriter(entry, FIELD.decimal);
      case 'string':
        return textWriter(entry, FIELD.string);
      case 'json':
        return textWriter(entry, FIELD.json);
      case 'xml':
        return textWriter(entry, FIELD.xml);
    }
  };
  return { write: valueWriter(), writeNull };
}

/** The field of ValueType that a type's values stand in. */
export function fieldOf(type: ColumnType): keyof typeof FIELD {
  return type.kind === 'decimal-unbounded' ? 'decimal' : type.kind;
}

/** Parts of a column's map entries: the key field, and the tag of the value. */
export function entryName(name: string): Buffer {
  const text = Buffer.from(name, 'utf8');
  return Buffer.concat([Buffer.from([MAP_KEY]), varintBytes(text.length), text, Buffer.from([MAP_VALUE])]);
}

/** The bytes of a column of seconds that has the same value in every row. */
export function timeEntry(name: string, seconds: number, type: 'float32' | 'float64'): Bytes {
  const bytes = Buffer.alloc(type === 'float64' ? 9 : 5);
  if (type === 'float64') {
    bytes[0] = (FIELD.float64 << 3) | FIXED64;
    bytes.writeDoubleLE(seconds, 1);
  } else {
    bytes[0] = (FIELD.float32 << 3) | FIXED32;
    bytes.writeFloatLE(seconds, 1);
  }
  return new EntryWriter(name).constant(bytes);
}

class EntryWriter {
  /** The key field of the entry, and the tag of its value. */
  private readonly name: Bytes;
  private readonly beginnings: readonly Bytes[];
  private readonly mostOverhead: number;

  constructor(name: string) {
    this.name = new Bytes(entryName(name));
    this.beginnings = Array.from({ length: SHORT_VALUE + 1 }, (_, size) => new Bytes(this.beginning(size)));
    this.mostOverhead = this.name.length + ENTRY_OVERHEAD;
  }

  /** Everything of the entry before a value of `size` bytes; makes room for the value as well. */
  begin(out: WireBuffer, size: number): void {
    out.reserve(size + this.mostOverhead);
    const ready = this.beginnings[size];
    if (ready !== undefined) {
      out.all(ready);
      return;
    }
    out.byte(MAP_ENTRY);
    out.varint(this.name.length + varintSize(size) + size);
    out.all(this.name);
    out.varint(size);
  }

  constant(value: Buffer): Bytes {
    return new Bytes(Buffer.concat([this.beginning(value.length), value]));
  }

  private beginning(size: number): Buffer {
    const valueLength = varintBytes(size);
    const entryLength = varintBytes(this.name.length + valueLength.length + size);
    return Buffer.concat([Buffer.from([MAP_ENTRY]), entryLength, this.name.bytes, valueLength]);
  }
}

const LETTER_T = 't'.charCodeAt(0);
const LETTER_F = 'f'.charCodeAt(0);
const MINUS = '-'.charCodeAt(0);
const ZERO = '0'.charCodeAt(0);
/** The most digits of which a double holds any number exactly. */
const SAFE_DIGITS = 15;

function booleanWriter(entry: EntryWriter): ValueWriter {
  const tag = (FIELD.boolean << 3) | VARINT;
  const yes = entry.constant(Buffer.from([tag, 1]));
  const no = entry.constant(Buffer.from([tag, 0]));
  return (out, source, start, end) => {
    const first = source.bytes[start];
    if (end <= start || (first !== LETTER_T && first !== LETTER_F)) throw new ValueDoesNotFit('a boolean');
    const bytes = first === LETTER_T ? yes : no;
    out.reserve(bytes.length);
    out.all(bytes);
  };
}

function integerWriter(entry: EntryWriter, field: number, most: number): ValueWriter {
  const tag = (field << 3) | VARINT;
  return (out, { bytes: source }, start, end) => {
    const negative = source[start] === MINUS;
    const first = negative ? start + 1 : start;
    let value = 0;
    for (let at = first; at < end; at += 1) {
      const digit = (source[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) throw new ValueDoesNotFit('a whole number');
      value = value * 10 + digit;
    }
    if (first >= end) throw new ValueDoesNotFit('a whole number');
    if (end - first > SAFE_DIGITS && field === FIELD.int64) {
      writeLong(out, entry, tag, source.toString('latin1', start, end));
      return;
    }
    if (value > most + (negative ? 1 : 0)) throw new ValueDoesNotFit('a whole number of its size');
    if (negative && value !== 0) value = -value;
    entry.begin(out, 1 + int64Size(value));
    out.byte(tag);
    out.varint64(upperHalf(value), lowerHalf(value));
  };
}

function writeLong(out: WireBuffer, entry: EntryWriter, tag: number, text: string): void {
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) throw new ValueDoesNotFit('a whole number of its size');
  const unsigned = BigInt.asUintN(64, value);
  const high = Number(unsigned >> 32n);
  const low = Number(unsigned & 0xffff_ffffn);
  const size = high >= 0x8000_0000 ? 10 : high >= 0x100_0000 ? 9 : int64Size(high * 4_294_967_296 + low);
  entry.begin(out, 1 + size);
  out.byte(tag);
  out.varint64(high, low);
}

function parseFloating(source: Bytes, start: number, end: number): number {
  const text = source.bytes.toString('latin1', start, end);
  const value = Number(text);
  if (text === '' || (Number.isNaN(value) && text !== 'NaN')) throw new ValueDoesNotFit('a number');
  return value;
}

function floatWriter(entry: EntryWriter): ValueWriter {
  return (out, source, start, end) => {
    const value = parseFloating(source, start, end);
    entry.begin(out, 5);
    out.byte((FIELD.float32 << 3) | FIXED32);
    out.length = out.bytes.writeFloatLE(value, out.length);
  };
}

function doubleWriter(entry: EntryWriter): ValueWriter {
  return (out, source, start, end) => {
    const value = parseFloating(source, start, end);
    entry.begin(out, 9);
    out.byte((FIELD.float64 << 3) | FIXED64);
    out.length = out.bytes.writeDoubleLE(value, out.length);
  };
}

function timestampWriter(
  entry: EntryWriter,
  field: number,
  writeNull: (out: WireBuffer) => void,
  unrepresentable: () => void,
): ValueWriter {
  const tag = (field << 3) | BYTES;
  const moment = { seconds: 0, nanos: 0 };
  return (out, source, start, end) => {
    const outcome = readTimestamp(source.bytes, start, end, moment);
    if (outcome === 'invalid') throw new ValueDoesNotFit('a date');
    if (outcome === 'unrepresentable') {
      unrepresentable();
      writeNull(out);
      return;
    }
    const { seconds, nanos } = moment;
    const size = (seconds === 0 ? 0 : 1 + int64Size(seconds)) + (nanos === 0 ? 0 : 1 + varintSize(nanos));
    entry.begin(out, 2 + size);
    out.byte(tag);
    out.byte(size);
    if (seconds !== 0) {
      out.byte(0x08);
      out.varint64(upperHalf(seconds), lowerHalf(seconds));
    }
    if (nanos !== 0) {
      out.byte(0x10);
      out.varint(nanos);
    }
  };
}

function textWriter(entry: EntryWriter, field: number): ValueWriter {
  const tag = (field << 3) | BYTES;
  return (out, source, start, end) => {
    const size = end - start;
    entry.begin(out, 1 + varintSize(size) + size);
    out.byte(tag);
    out.varint(size);
    out.copy(source, start, end);
  };
}

const HEX_DIGITS = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit += 1) {
  const text = digit.toString(16);
  HEX_DIGITS[text.charCodeAt(0)] = digit;
  HEX_DIGITS[text.toUpperCase().charCodeAt(0)] = digit;
}

/** bytea_output hex: \x and two digits a byte. */
function hexWriter(entry: EntryWriter): ValueWriter {
  const tag = (FIELD.binary << 3) | BYTES;
  return (out, { bytes: source }, start, end) => {
    if (source[start] !== 0x5c || source[start + 1] !== 0x78 || (end - start) % 2 !== 0)
      throw new ValueDoesNotFit('a binary value');
    const size = (end - start - 2) / 2;
    entry.begin(out, 1 + varintSize(size) + size);
    out.byte(tag);
    out.varint(size);
    const { bytes } = out;
    let to = out.length;
    for (let at = start + 2; at < end; at += 2) {
      const byte = ((HEX_DIGITS[source[at] ?? 0] ?? -1) << 4) | (HEX_DIGITS[source[at + 1] ?? 0] ?? -1);
      if (byte < 0) throw new ValueDoesNotFit('a binary value');
      bytes[to++] = byte;
    }
    out.length = to;
  };
}
