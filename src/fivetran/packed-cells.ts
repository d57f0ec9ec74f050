/** A packed column as UTF-8 bytes, with the places of its values in them. */
import { counted } from '../common/counted';
import { Bytes } from './wire-buffer';
import { NULL_MARKER, SEPARATOR, type PackedColumn } from '../model/packed-batch';

const SEPARATOR_BYTE = SEPARATOR.charCodeAt(0);
const NULL_BYTE = NULL_MARKER.charCodeAt(0);

export class PackedCells {
  private constructor(
    readonly source: Bytes,
    /** Value i ends at ends[i]; the next one begins one byte after that. */
    private readonly ends: Int32Array,
    private readonly nullable: boolean,
    private readonly nulls: readonly boolean[] | undefined,
  ) {}

  static of(column: PackedColumn): PackedCells {
    return column.encoding === 'escaped' ? PackedCells.unescaped(column) : PackedCells.plain(column);
  }

  private static plain(column: PackedColumn): PackedCells {
    const bytes = Buffer.from(column.text, 'utf8');
    const ends = new Int32Array(column.rowCount);
    if (column.rowCount === 0) return new PackedCells(new Bytes(bytes), ends, false, undefined);
    let row = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      if (bytes[at] === SEPARATOR_BYTE) ends[row++] = at;
    }
    if (row !== column.rowCount - 1)
      throw new RangeError(`${counted(row + 1, 'packed value')} for ${counted(column.rowCount, 'row')}.`);
    ends[row] = bytes.length;
    return new PackedCells(new Bytes(bytes), ends, column.nullable, undefined);
  }

  private static unescaped(column: PackedColumn): PackedCells {
    const values = column.values();
    const ends = new Int32Array(values.length);
    let at = -1;
    for (const [row, value] of values.entries()) {
      at += 1 + (value === null ? 0 : Buffer.byteLength(value, 'utf8'));
      ends[row] = at;
    }
    const bytes = Buffer.from(values.map((value) => value ?? '').join(SEPARATOR), 'utf8');
    const nulls = values.map((value) => value === null);
    return new PackedCells(new Bytes(bytes), ends, column.nullable, nulls);
  }

  start(row: number): number {
    return row === 0 ? 0 : (this.ends[row - 1] ?? 0) + 1;
  }

  end(row: number): number {
    return this.ends[row] ?? 0;
  }

  isNull(row: number): boolean {
    if (!this.nullable) return false;
    if (this.nulls !== undefined) return this.nulls[row] === true;
    const start = this.start(row);
    return this.end(row) === start + 1 && this.source.bytes[start] === NULL_BYTE;
  }
}
