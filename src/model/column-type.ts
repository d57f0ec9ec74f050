/**
 * The types that travel between source and destinations. Each has one Fivetran type and one DuckDB
 * type; the value itself travels as PostgreSQL's own text, or as digits of its bytes (model/binary-values).
 */
export type ColumnType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int16' }
  | { readonly kind: 'int32' }
  | { readonly kind: 'int64' }
  | { readonly kind: 'float32' }
  | { readonly kind: 'float64' }
  /** precision 1..38, scale 0..precision */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** numeric without precision, or with one that DECIMAL(38) cannot hold: the scale follows the data */
  | { readonly kind: 'decimal-unbounded' }
  | { readonly kind: 'string' }
  | { readonly kind: 'date' }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'timestamptz' }
  | { readonly kind: 'json' }
  | { readonly kind: 'binary' }
  | { readonly kind: 'xml' };

export type ColumnTypeKind = ColumnType['kind'];

/**
 * Kinds whose text may hold any character, the packing's separators included. json is not one of them:
 * PostgreSQL refuses raw control characters in it, and to_json writes them as \u001f.
 */
const FREE_TEXT: ReadonlySet<ColumnTypeKind> = new Set(['string', 'xml']);

export function isFreeText(type: ColumnType): boolean {
  return FREE_TEXT.has(type.kind);
}

/**
 * The type that money becomes. Nothing else needs to tell the two apart, since both mean the same in the destination.
 */
export function isMoney(type: ColumnType): boolean {
  return type.kind === 'decimal' && type.precision === 19 && type.scale === 2;
}
