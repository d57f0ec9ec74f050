/**
 * The canonical text of a value and the hash of a row, as SQL for PostgreSQL. destinations/duckdb/verify/postgres-text has the
 * same for what is stored, engine/verify/canonical-value for JavaScript; model/checksum says what they prove.
 *
 * It is the text that travels, except where the warehouse holds something other than text and could print it
 * otherwise: floats are their bits, and numbers lose the zeros at their end.
 */
import { isFreeText, isMoney } from '../../model/column-type';
import { withoutTrailingZeros, type SelectColumn } from '../read';

/** Bytes are those of UTF-8 on both sides, so text of another server encoding is converted first. */
export type ServerEncoding = 'UTF8' | 'other';

/** SQL for the canonical text of a column; NULL where it is NULL. */
export function canonicalText(column: SelectColumn): string {
  const text = column.fasterText ?? column.textExpression;
  switch (column.type.kind) {
    case 'float32':
      return floatBits(column, 'float4send', 'float4');
    case 'float64':
      return floatBits(column, 'float8send', 'float8');
    case 'decimal':
      if (column.type.scale === 0) return text;
      // The server's lc_monetary decides how many digits money has after the point.
      return isMoney(column.type) ? withoutTrailingZeros(text) : `rtrim(rtrim(${text}, '0'), '.')`;
    case 'decimal-unbounded':
      return withoutTrailingZeros(text);
    default:
      return text;
  }
}

/**
 * The bits as digits: as a whole number, they took the server 0.8 s more for 1,000,000 rows (on a busy machine). A float of the table itself
 * is not written as text and read again first.
 */
function floatBits({ textExpression, binary }: SelectColumn, send: string, type: string): string {
  const value = binary?.reference ?? textExpression;
  const bytes = binary?.expression ?? `${send}((${textExpression})::${type})`;
  return `CASE WHEN ${value} = 'NaN' THEN 'NaN' ELSE encode(${bytes}, 'hex') END`;
}

/** The same columns with 0 in place of -0, for a copy that cannot keep the sign. */
export function withoutZeroSigns(columns: readonly SelectColumn[]): readonly SelectColumn[] {
  return columns.map((column) => {
    const { name, type, nullable, textExpression } = column;
    if (type.kind !== 'float32' && type.kind !== 'float64') return column;
    const float = type.kind === 'float32' ? 'float4' : 'float8';
    // Without `binary`: the bytes of the table's value still have the sign.
    return { name, type, nullable, textExpression: `((${textExpression})::${float} + 0)::text` };
  });
}

/**
 * SQL for the encoding of a row: its cells, each ended by U+001F. A cell that may contain U+001F begins with its
 * length. `textOf` is SQL for the canonical text of a column.
 */
export function encodedRow(
  columns: readonly SelectColumn[],
  encoding: ServerEncoding,
  textOf: (column: SelectColumn) => string = canonicalText,
): string {
  const cells = columns.map((column) => {
    const text = textOf(column);
    if (!isFreeText(column.type)) return column.nullable ? `coalesce(${text}, E'\\x1d')` : text;
    const bytes = encoding === 'UTF8' ? `octet_length(${text})` : `octet_length(convert_to(${text}, 'UTF8'))`;
    return `coalesce(${bytes}::text || ':' || ${text}, E'\\x1d')`;
  });
  return concatenated(cells.map((cell) => `${cell} || E'\\x1f'`));
}

/** SQL for the MD5 of a text, as hex. */
export function digest(text: string, encoding: ServerEncoding): string {
  return encoding === 'UTF8' ? `md5(${text})` : `md5(convert_to(${text}, 'UTF8'))`;
}

/** SQL for the group that a key's MD5 falls into. */
export function groupOf(keyDigest: string, bits: number): string {
  return `(('x' || substr(${keyDigest}, 1, 4))::bit(16)::int4 >> ${16 - bits})`;
}

/** || is the fastest for a few parts, but copies the text at each; concat takes at most 100 arguments. */
const MOST_OPERANDS = 12;
const MOST_ARGUMENTS = 50;

/** SQL for the texts one after the other. */
export function concatenated(parts: readonly string[]): string {
  if (parts.length === 0) return `''::text`;
  return calls(inGroups(parts, MOST_OPERANDS).map(inPairs));
}

/** From left to right, the first parts would be copied again with every further one. */
function inPairs(parts: readonly string[]): string {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return `(${only})`;
  const middle = Math.ceil(parts.length / 2);
  return `(${inPairs(parts.slice(0, middle))} || ${inPairs(parts.slice(middle))})`;
}

function calls(parts: readonly string[]): string {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return calls(inGroups(parts, MOST_ARGUMENTS).map((group) => `concat(${group.join(', ')})`));
}

function inGroups(parts: readonly string[], size: number): string[][] {
  const groups: string[][] = [];
  for (let at = 0; at < parts.length; at += size) groups.push(parts.slice(at, at + size));
  return groups;
}
