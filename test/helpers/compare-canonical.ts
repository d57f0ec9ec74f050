/**
 * Canonical texts: two values have the same one exactly when they are the same value.
 *
 * PostgreSQL type            | canonical text                                | why nothing can hide behind it
 * float4, float8             | the 4 or 8 bytes in hex; `NaN` for every NaN  | no decimal form is involved; -0 differs from 0
 * numeric, money             | the digits, without zeros at the fraction's end | 1.50 and 1.5 are the same number to PostgreSQL too
 * date                       | days since 1970-01-01, or (-)infinity         | whole numbers: no calendar, era or format
 * timestamp, timestamptz     | microseconds since 1970-01-01 UTC, or (-)infinity | whole numbers: no zone, era or format
 * bytea                      | hex                                           |
 * inet                       | as psql shows it: the netmask only where there is one |
 * ranges                     | bounds and their kinds, taken from PostgreSQL's own text of the range |
 * arrays, composites         | to_json, character by character               | what the product promises for them
 * everything else            | PostgreSQL's text, character by character     | booleans read true and false on both sides
 *
 * Where the warehouse had to keep a number or a time as text, PostgreSQL's text is the measure (numbers
 * again without zeros at the end). NULL is null, which no text equals.
 */

export interface SourceColumn {
  readonly name: string;
  /** pg_type.typname and typtype of the base type. */
  readonly type: string;
  readonly kind: string;
  readonly isArray: boolean;
}

/** SQL for PostgreSQL; `x` is a quoted column, `storedType` the warehouse's type for it. */
export function sourceText(x: string, column: SourceColumn, storedType: string): string {
  if (column.isArray || column.kind === 'c') return `to_json(${x})::text`;
  if (column.kind === 'r') return rangeText(x);
  const asText = storedType === 'VARCHAR';
  switch (column.type) {
    case 'float4':
    case 'float8':
      return asText
        ? `${x}::text`
        : `CASE WHEN ${x} = 'NaN' THEN 'NaN' ELSE encode(${column.type}send(${x}), 'hex') END`;
    case 'money':
      return `${x}::numeric::text`;
    case 'date':
      return asText
        ? `${x}::text`
        : `CASE WHEN isfinite(${x}) THEN (${x} - date '1970-01-01')::text ELSE ${x}::text END`;
    case 'timestamp':
    case 'timestamptz':
      return asText ? `${x}::text` : `CASE WHEN isfinite(${x}) THEN ${microseconds(x)}::text ELSE ${x}::text END`;
    case 'inet':
      return `CASE masklen(${x}) WHEN CASE family(${x}) WHEN 4 THEN 32 ELSE 128 END THEN host(${x}) ELSE ${x}::text END`;
    case 'bytea':
      return `encode(${x}, 'hex')`;
    default:
      return `${x}::text`;
  }
}

/** In two whole parts, because before PostgreSQL 14 extract() returns a float, which cannot hold all of it exactly. */
function microseconds(x: string): string {
  const minutes = `extract(epoch FROM date_trunc('minute', ${x}))::bigint::numeric * 1000000`;
  return `(${minutes} + extract(microseconds FROM ${x})::bigint)`;
}

/** `[1,5)` as [start, end, start mark, end mark]; the marks come from the text, the bounds from the range. */
function rangeText(x: string): string {
  return (
    `CASE WHEN isempty(${x}) THEN '[null,null,null,null]' ELSE ` +
    `json_build_array(lower(${x})::text, upper(${x})::text, left(${x}::text, 1), right(${x}::text, 1))::text END`
  );
}

/** Floats come as JavaScript numbers, which are the same bytes; everything else as text. */
export function isFloat(storedType: string): boolean {
  return storedType === 'FLOAT' || storedType === 'DOUBLE';
}

/** SQL for DuckDB: a text, a FLOAT, a DOUBLE or NULL. */
export function warehouseValue(x: string, column: SourceColumn, storedType: string): string {
  if (isFloat(storedType)) return x;
  if (storedType === 'BLOB') return `lower(hex(${x}))`;
  if (storedType === 'DATE') return finiteOr(x, `CAST(${x} - DATE '1970-01-01' AS VARCHAR)`);
  if (storedType.startsWith('TIMESTAMP')) return finiteOr(x, `CAST(epoch_us(${x}) AS VARCHAR)`);
  if (column.kind === 'r')
    return `CAST(json_array(${x}->'start_value', ${x}->'end_value', ${x}->'start_bound', ${x}->'end_bound') AS VARCHAR)`;
  return `CAST(${x} AS VARCHAR)`;
}

function finiteOr(x: string, finite: string): string {
  return `CASE WHEN isfinite(${x}) THEN ${finite} ELSE CAST(${x} AS VARCHAR) END`;
}

/** A value as either side returned it, as canonical text. */
export function canonical(value: unknown, column: SourceColumn): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return floatBytes(value, column.type === 'float4' ? 4 : 8);
  if (typeof value !== 'string') throw new TypeError(`Column ${column.name} came as ${typeof value}, not as text.`);
  if (column.isArray || column.kind !== 'b') return column.kind === 'r' ? JSON.stringify(JSON.parse(value)) : value;
  if (column.type === 'numeric' || column.type === 'money') return withoutTrailingZeros(value);
  return value;
}

function floatBytes(value: number, bytes: 4 | 8): string {
  if (Number.isNaN(value)) return 'NaN';
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) buffer.writeFloatBE(value);
  else buffer.writeDoubleBE(value);
  return buffer.toString('hex');
}

function withoutTrailingZeros(text: string): string {
  return /^-?\d+\.\d*$/.test(text) ? text.replace(/\.?0+$/, '') : text;
}
