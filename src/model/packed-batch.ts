/**
 * A batch of rows as columns of packed text.
 *
 * A packed column holds the texts of n values, each but the last followed by U+001F; NULL is U+001D.
 * The escaped encoding writes ESC (U+001B), US and GS inside a value as ESC 0, ESC 1 and ESC 2, so that a value
 * may hold any character. The plain encoding is only ever
 * accepted after its counts were checked (postgres/read/packed-query), so both are lossless.
 *
 * Where the destination takes it, a column of integers, floats, dates or timestamps is digits instead: those of its
 * values' bytes in hexadecimal, all of one length, without separators (model/binary-values).
 */
import { ConnectorError } from '../common/errors';
import { hasExactText, isBinaryKind, textsOfBinary, type BinaryKind } from './binary-values';

export const SEPARATOR = '\u001f';
export const NULL_MARKER = '\u001d';
export const ESCAPE = '\u001b';

/** A binary kind: the text is digits of values of that kind. */
export type PackedEncoding = 'plain' | 'escaped' | BinaryKind;

/** What is known to be true of a column's text, so that a reader need not look for it; false and missing mean the same. */
export interface KnownText {
  /** All of it is ASCII. */
  readonly ascii?: boolean;
  /** Each value is JSON. */
  readonly json?: boolean;
}

export class PackedColumn {
  constructor(
    readonly text: string,
    readonly rowCount: number,
    /** False only where no value is NULL. */
    readonly nullable: boolean,
    readonly encoding: PackedEncoding = 'plain',
    readonly known: KnownText = {},
  ) {}

  /** The kind of value that its digits are of; undefined where it is text. */
  get binaryKind(): BinaryKind | undefined {
    return isBinaryKind(this.encoding) ? this.encoding : undefined;
  }

  /** The values' texts, in row order; made on demand, since most destinations never need them. */
  values(): (string | null)[] {
    if (this.rowCount === 0) return [];
    if (this.binaryKind !== undefined) {
      if (hasExactText(this.binaryKind)) return textsOfBinary(this.binaryKind, this.text, this.nullable);
      throw new ConnectorError('Floating-point numbers were read as bytes where their text is needed.', {
        code: 'batch_shape',
        kind: 'internal',
      });
    }
    const decode = this.encoding === 'escaped' ? unescapeValue : undefined;
    return this.text
      .split(SEPARATOR)
      .map((value) => (this.nullable && value === NULL_MARKER ? null : decode === undefined ? value : decode(value)));
  }
}

export class PackedBatch {
  constructor(
    readonly rowCount: number,
    readonly columns: readonly PackedColumn[],
    /** Size of the values' text, bytes, where the server said so; else UTF-16 code units. */
    readonly bytes: number = columns.reduce((sum, column) => sum + column.text.length, 0),
  ) {}
}

/** Packs values the way the server does; plain where no value holds a control character of the packing. */
export function packValues(values: readonly (string | null)[]): PackedColumn {
  const plain = !values.some((value) => value !== null && (value.includes(SEPARATOR) || value === NULL_MARKER));
  const encode = plain ? (value: string): string => value : escapeValue;
  const text = values.map((value) => (value === null ? NULL_MARKER : encode(value))).join(SEPARATOR);
  return new PackedColumn(text, values.length, true, plain ? 'plain' : 'escaped');
}

function escapeValue(value: string): string {
  return value
    .replaceAll(ESCAPE, `${ESCAPE}0`)
    .replaceAll(SEPARATOR, `${ESCAPE}1`)
    .replaceAll(NULL_MARKER, `${ESCAPE}2`);
}

function unescapeValue(value: string): string {
  if (!value.includes(ESCAPE)) return value;
  return value
    .replaceAll(`${ESCAPE}1`, SEPARATOR)
    .replaceAll(`${ESCAPE}2`, NULL_MARKER)
    .replaceAll(`${ESCAPE}0`, ESCAPE);
}
