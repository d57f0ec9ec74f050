/** Checks that a value has its column's declared type. */
import type { DeclaredColumn, Timestamp, ValueMessage } from './messages';

const FIELD_OF_TYPE: Readonly<Record<string, keyof ValueMessage>> = {
  BOOLEAN: 'bool',
  SHORT: 'short',
  INT: 'int',
  LONG: 'long',
  DECIMAL: 'decimal',
  FLOAT: 'float',
  DOUBLE: 'double',
  NAIVE_DATE: 'naive_date',
  NAIVE_DATETIME: 'naive_datetime',
  UTC_DATETIME: 'utc_datetime',
  BINARY: 'binary',
  XML: 'xml',
  STRING: 'string',
  JSON: 'json',
};

const FIRST_SECOND = Date.parse('0001-01-01T00:00:00Z') / 1000;
const LAST_SECOND = Date.parse('9999-12-31T23:59:59Z') / 1000;
const DAY_SECONDS = 86_400;

/** undefined: it has. */
export function valueBreach(column: DeclaredColumn, value: ValueMessage): string | undefined {
  if (value.inner === 'null') return column.key ? 'NULL in a key.' : undefined;
  const field = FIELD_OF_TYPE[column.type];
  if (field === undefined) return `declared as ${column.type}.`;
  if (value.inner !== field) return `declared as ${column.type}, sent as ${value.inner ?? 'nothing'}.`;
  switch (column.type) {
    case 'SHORT':
      return Math.abs(value.short ?? 0) > 32_768 ? 'a SHORT of more than 16 bits.' : undefined;
    case 'DECIMAL':
      return decimalBreach(column, value.decimal ?? '');
    case 'NAIVE_DATE':
      return timestampBreach(value.naive_date ?? {}, true);
    case 'NAIVE_DATETIME':
      return timestampBreach(value.naive_datetime ?? {}, false);
    case 'UTC_DATETIME':
      return timestampBreach(value.utc_datetime ?? {}, false);
    case 'JSON':
      return isJson(value.json ?? '') ? undefined : 'JSON that cannot be parsed.';
    default:
      return undefined;
  }
}

function decimalBreach({ decimal }: DeclaredColumn, text: string): string | undefined {
  const match = /^-?(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return 'a decimal that is not written in digits.';
  const [, whole = '', fraction = ''] = match;
  const { precision, scale } = decimal ?? { precision: 38, scale: 38 };
  if (fraction.length > scale || whole.replace(/^0+/, '').length > precision - (decimal === undefined ? 0 : scale))
    return 'a decimal with more digits than declared.';
  return undefined;
}

function timestampBreach({ seconds = '0', nanos = 0 }: Timestamp, date: boolean): string | undefined {
  const at = Number(seconds);
  if (at < FIRST_SECOND || at > LAST_SECOND) return 'a time outside of the years 1 to 9999.';
  if (nanos < 0 || nanos > 999_999_999) return 'nanoseconds that are more than a second.';
  if (date && (at % DAY_SECONDS !== 0 || nanos !== 0)) return 'a date that is not at midnight.';
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
