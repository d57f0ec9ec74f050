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
      return floatBits(
        text,
        (view, value) => view.setFloat32(0, value),
        (view) => view.getInt32(0),
      );
    case 'float64':
      return floatBits(
        text,
        (view, value) => view.setFloat64(0, value),
        (view) => view.getBigInt64(0),
      );
    case 'decimal':
    case 'decimal-unbounded':
      return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
    default:
      return text;
  }
}

function floatBits(
  text: string,
  write: (view: DataView, value: number) => void,
  read: (view: DataView) => number | bigint,
): string {
  if (/^nan$/i.test(text)) return 'NaN';
  const view = new DataView(new ArrayBuffer(8));
  write(view, Number(text));
  return read(view).toString();
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
