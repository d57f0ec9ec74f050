/** The SQL that reads a stored value back as PostgreSQL writes it. */
import type { ColumnType } from '../../../model/column-type';
import { decimalShape } from '../types';

/** SQL for the text of `value`, a column of type `storedType`; NULL where it is NULL. */
export function storedText(value: string, storedType: string): string {
  const text = `CAST(${value} AS VARCHAR)`;
  if (storedType === 'BLOB') return `'\\x' || lower(hex(${value}))`;
  if (storedType === 'DATE' || storedType === 'TIMESTAMP') return withEraLast(text);
  if (storedType === 'TIMESTAMP WITH TIME ZONE') {
    // DuckDB prints years far off through a double and alters their microseconds; a TIMESTAMP is printed exactly.
    const exact = `CAST(make_timestamp(epoch_us(${value})) AS VARCHAR) || '+00'`;
    return `CASE WHEN isfinite(${value}) THEN ${withEraLast(exact)} ELSE ${text} END`;
  }
  // DuckDB leaves out the zero before the point where the type has no digit for it.
  const shape = decimalShape(storedType);
  if (shape !== undefined && shape.precision === shape.scale)
    return `replace(replace('^' || ${text}, '^-.', '-0.'), '^.', '0.')`;
  return text;
}

/** `0044-03-15 (BC) 10:00:00+00` -> `0044-03-15 10:00:00+00 BC`. */
function withEraLast(text: string): string {
  return `CASE WHEN contains(${text}, '(BC)') THEN replace(${text}, ' (BC)', '') || ' BC' ELSE ${text} END`;
}

/**
 * The canonical text of a stored value, the same that postgres/checksum/canonical-text has for the value it came from:
 * two values have one canonical text exactly when they are the same value. `stored`: as of Storage, for what a rule or a
 * change of types has left as text.
 */
export function canonicalStoredText(
  value: string,
  storedType: string,
  type: ColumnType,
  stored: (value: string, storedType: string) => string = (same) => same,
): string {
  switch (type.kind) {
    case 'float32':
      return floatBits(stored(`CAST(${value} AS FLOAT)`, 'FLOAT'));
    case 'float64':
      return floatBits(stored(`CAST(${value} AS DOUBLE)`, 'DOUBLE'));
    case 'decimal':
    case 'decimal-unbounded': {
      const text = storedText(value, storedType);
      const scale = decimalShape(storedType)?.scale;
      if (scale === undefined) return withoutTrailingZeros(text);
      return scale === 0 ? text : withoutZerosBehindPoint(text);
    }
    default:
      return storedText(value, storedType);
  }
}

/** The bits themselves, as hexadecimal digits: no decimal form is involved, and -0 is not 0. */
function floatBits(value: string): string {
  return `CASE WHEN isnan(${value}) THEN 'NaN' ELSE lower(hex(CAST(CAST(${value} AS BIT) AS BLOB))) END`;
}

/** Whether equal values may have texts that differ, by zeros at their end. */
export function isDecimal(type: ColumnType): boolean {
  return type.kind === 'decimal' || type.kind === 'decimal-unbounded';
}

/** 1.50 and 1.5 are one number; how many zeros its type adds is not part of it. */
export function withoutTrailingZeros(text: string): string {
  return `CASE WHEN contains(${text}, '.') THEN ${withoutZerosBehindPoint(text)} ELSE ${text} END`;
}

/** The same for texts that all have a point. */
function withoutZerosBehindPoint(text: string): string {
  return `rtrim(rtrim(${text}, '0'), '.')`;
}
