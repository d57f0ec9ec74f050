/**
 * Canonical texts and row hashes in JavaScript, for rows that a rule in JavaScript has changed, because neither server
 * can compute its result. The encoding is that of postgres/checksum/canonical-text and
 * destinations/duckdb/verify/postgres-text.
 */
import { createHash } from 'node:crypto';
import { CELL_END, NULL_CELL } from '../../model/checksum';
import { isFreeText, type ColumnType } from '../../model/column-type';

/** The canonical text of a value that travelled as `text`. A value that a rule wrote is read as DuckDB reads it. */
export function canonicalValue(text: string | null, type: ColumnType): string | null {
  if (text === null) return null;
  switch (type.kind) {
    case 'boolean':
      return /^(?:t|true|yes|on|1)$/i.test(text) ? 'true' : 'false';
    case 'int16':
    case 'int32':
    case 'int64':
      return /^\s*[+-]?\d+\s*$/.test(text) ? BigInt(text).toString() : text;
    case 'float32':
      return floatBits(text, 4, (view, value) => view.setFloat32(0, value));
    case 'float64':
      return floatBits(text, 8, (view, value) => view.setFloat64(0, value));
    case 'decimal':
    case 'decimal-unbounded':
      return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
    default:
      return text;
  }
}

function floatBits(text: string, bytes: number, write: (view: DataView, value: number) => void): string {
  if (/^nan$/i.test(text)) return 'NaN';
  const buffer = Buffer.alloc(bytes);
  write(new DataView(buffer.buffer, buffer.byteOffset, bytes), Number(text));
  return buffer.toString('hex');
}

/** A canonical text as people read it: a float as the number with the fewest digits that is this one and no other. */
export function shownValue(canonical: string | null, { kind }: ColumnType): string | null {
  if (canonical === null || canonical === 'NaN') return canonical;
  if (kind === 'float64') return shortest(Buffer.from(canonical, 'hex').readDoubleBE(0));
  if (kind !== 'float32') return canonical;
  const value = Buffer.from(canonical, 'hex').readFloatBE(0);
  if (value === 0) return shortest(value);
  // Nine digits are enough to tell every 32-bit float from its neighbours.
  for (let digits = 1; digits < 9; digits += 1) {
    const rounded = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(rounded), value)) return shortest(rounded);
  }
  return shortest(Number(value.toPrecision(9)));
}

function shortest(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The encoding of a row from canonical texts. */
export function encodeRow(values: readonly (string | null)[], types: readonly ColumnType[]): string {
  return values
    .map((value, index) => {
      const type = types[index];
      if (value === null) return NULL_CELL + CELL_END;
      const prefix = type !== undefined && isFreeText(type) ? `${Buffer.byteLength(value)}:` : '';
      return prefix + value + CELL_END;
    })
    .join('');
}

export interface Digest {
  readonly high: bigint;
  readonly low: bigint;
  /** The first 16 bits. */
  readonly start: number;
}

export function digestOf(encoded: string): Digest {
  const bytes = createHash('md5').update(encoded).digest();
  return { high: bytes.readBigUInt64BE(0), low: bytes.readBigUInt64BE(8), start: bytes.readUInt16BE(0) };
}
