/** A value of the wire as the text that DuckDB casts from. */
import type { Timestamp, ValueMessage } from './messages';

/** null for NULL. */
export function valueText(value: ValueMessage | undefined): string | null {
  switch (value?.inner) {
    case 'bool':
      return value.bool === true ? 'true' : 'false';
    case 'short':
      return String(value.short);
    case 'int':
      return String(value.int);
    case 'long':
      return value.long ?? null;
    case 'float':
      return numberText(Math.fround(value.float ?? 0));
    case 'double':
      return numberText(value.double ?? 0);
    case 'naive_date':
      return timestampText(value.naive_date).slice(0, 10);
    case 'naive_datetime':
      return timestampText(value.naive_datetime);
    case 'utc_datetime':
      return `${timestampText(value.utc_datetime)}+00`;
    case 'decimal':
      return value.decimal ?? null;
    case 'binary':
      return value.binary?.toString('hex') ?? null;
    case 'string':
      return value.string ?? null;
    case 'json':
      return value.json ?? null;
    case 'xml':
      return value.xml ?? null;
    default:
      return null;
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** `2025-01-31 10:00:00.123456`; the wire's nanoseconds are microseconds in PostgreSQL and DuckDB. */
function timestampText({ seconds = '0', nanos = 0 }: Timestamp = {}): string {
  const iso = new Date(Number(seconds) * 1000).toISOString();
  const micros = String(Math.round(nanos / 1000)).padStart(6, '0');
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${micros}`;
}
