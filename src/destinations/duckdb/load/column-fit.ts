/**
 * Whether a column of the warehouse can hold a batch's values exactly as it is, and if not, what it must
 * become. DuckDB's casts round, drop eras or fail on what PostgreSQL allows; every such value is found here,
 * before it is written.
 */
import { isMoney, type ColumnType } from '../../../model/column-type';
import { NULL_MARKER, type PackedColumn } from '../../../model/packed-batch';
import { decimalShape, type ValueForm } from '../types';

export interface DecimalShape {
  readonly integerDigits: number;
  readonly scale: number;
}

export type ColumnFit =
  | { readonly fits: true; readonly form: ValueForm }
  /** DECIMAL(38,0) must become wide enough for these digits, or text where 38 do not suffice. */
  | { readonly fits: false; readonly needs: 'decimal'; readonly shape: DecimalShape }
  | { readonly fits: false; readonly needs: 'text'; readonly reason: string }
  /** JSON that only DuckDB's own parser can judge. */
  | { readonly fits: 'ask'; readonly form: ValueForm };

const PLAIN: ColumnFit = { fits: true, form: 'plain' };
const MAX_DIGITS = 38;
/**
 * DuckDB counts microseconds in 64 bits: these are the last whole years that TIMESTAMP holds, after and before 1 BC.
 */
const LAST_TIMESTAMP_YEAR = 294246;

export function fitColumn(type: ColumnType, storedType: string, column: PackedColumn): ColumnFit {
  // A column that became text stays text, which holds everything.
  if (storedType === 'VARCHAR' || column.rowCount === 0) return PLAIN;
  switch (type.kind) {
    case 'decimal':
      // NaN is the one value of numeric(p,s) that is no decimal.
      if (column.text.includes('N')) return { fits: false, needs: 'text', reason: 'it holds NaN' };
      return isMoney(type) && BEYOND_CENTS.test(column.text)
        ? { fits: false, needs: 'text', reason: 'its currency does not have two digits after the point' }
        : PLAIN;
    case 'decimal-unbounded':
      return fitDecimal(storedType, column);
    case 'date':
      return { fits: true, form: eraForm(column) };
    case 'timestamp':
    case 'timestamptz':
      return beyondTimestamp(column)
        ? { fits: false, needs: 'text', reason: `it holds a year after ${LAST_TIMESTAMP_YEAR}` }
        : { fits: true, form: eraForm(column) };
    case 'json':
      // The server has parsed the values of jsonb, and takes neither.
      return column.known.json !== true && isDoubtful(column.text) ? { fits: 'ask', form: 'plain' } : PLAIN;
    default:
      return PLAIN;
  }
}

/**
 * A lone surrogate is valid for PostgreSQL's json, but not for DuckDB's. A user's cast to json, such as PostGIS's
 * within arrays and composites, may even write invalid JSON.
 */
function isDoubtful(json: string): boolean {
  return /\\u[dD]/.test(json) || json.includes('[,') || json.includes(',,');
}

/**
 * money is 64 bits, and the server's lc_monetary says where the point is. A cast of three digits after it
 * would round; 18 before it, which no amount with two digits after it has, would not fit.
 */
const BEYOND_CENTS = /\.\d{3}|\d{18}/;

function eraForm(column: PackedColumn): ValueForm {
  return column.text.includes(' BC') ? 'eras' : 'plain';
}

function beyondTimestamp(column: PackedColumn): boolean {
  for (const match of column.text.matchAll(/\d{6,}(?=-\d\d-\d\d)/g)) {
    if (Number(match[0]) > LAST_TIMESTAMP_YEAR) return true;
  }
  return false;
}

function fitDecimal(storedType: string, column: PackedColumn): ColumnFit {
  const scale = decimalShape(storedType)?.scale ?? 0;
  let integerDigits = 0;
  let fractionDigits = 0;
  for (const value of column.values()) {
    if (value === null || value === NULL_MARKER) continue;
    if (!/^-?\d/.test(value)) return { fits: false, needs: 'text', reason: `it holds ${value}` };
    const unsigned = value.startsWith('-') ? value.slice(1) : value;
    const point = unsigned.indexOf('.');
    const whole = (point === -1 ? unsigned : unsigned.slice(0, point)).replace(/^0+/, '');
    integerDigits = Math.max(integerDigits, whole.length);
    if (point !== -1) fractionDigits = Math.max(fractionDigits, unsigned.length - point - 1);
  }
  if (integerDigits + Math.max(fractionDigits, scale) > MAX_DIGITS) {
    return { fits: false, needs: 'text', reason: `DECIMAL(${MAX_DIGITS}) cannot hold all of its digits` };
  }
  if (fractionDigits > scale) return { fits: false, needs: 'decimal', shape: { integerDigits, scale: fractionDigits } };
  return PLAIN;
}
