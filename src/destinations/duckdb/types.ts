/** The types of the warehouse, and the SQL that turns PostgreSQL's text into them without altering a value. */
import type { ColumnType } from '../../model/column-type';

export function duckdbType(type: ColumnType): string {
  switch (type.kind) {
    case 'boolean':
      return 'BOOLEAN';
    case 'int16':
      return 'SMALLINT';
    case 'int32':
      return 'INTEGER';
    case 'int64':
      return 'BIGINT';
    case 'float32':
      return 'FLOAT';
    case 'float64':
      return 'DOUBLE';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'decimal-unbounded':
      return 'DECIMAL(38,0)';
    case 'date':
      return 'DATE';
    case 'timestamp':
      return 'TIMESTAMP';
    case 'timestamptz':
      return 'TIMESTAMP WITH TIME ZONE';
    case 'json':
      return 'JSON';
    case 'binary':
      return 'BLOB';
    case 'string':
    case 'xml':
      return 'VARCHAR';
  }
}

/** `DECIMAL(p,s)` -> p and s; undefined for any other type. */
export function decimalShape(storedType: string): { readonly precision: number; readonly scale: number } | undefined {
  const shape = /^DECIMAL\((\d+),(\d+)\)$/.exec(storedType);
  return shape === null ? undefined : { precision: Number(shape[1]), scale: Number(shape[2]) };
}

/**
 * How the values of a column must be read: `plain` by a cast, `eras` where dates before the common era occur. DuckDB
 * writes those as `0044-03-15 (BC)`, and a cast of PostgreSQL's form drops the era without an error.
 */
export type ValueForm = 'plain' | 'eras';

/** SQL for a value of `type`; `text` is SQL for its text, NULL for NULL. `storedType` is the column's type in the warehouse. */
export function castExpression(text: string, storedType: string, form: ValueForm): string {
  switch (storedType) {
    case 'VARCHAR':
      return text;
    case 'BLOB':
      // bytea_output hex: \x and two digits a byte.
      return `unhex(substr(${text}, 3))`;
    default:
      return `CAST(${form === 'eras' ? withEra(text) : text} AS ${storedType})`;
  }
}

/** `0044-03-15 10:00:00+00 BC` -> `0044-03-15 (BC) 10:00:00+00`. */
function withEra(text: string): string {
  return (
    `CASE WHEN suffix(${text}, ' BC') THEN ` +
    `regexp_replace(${text}, '^([0-9]+-[0-9]+-[0-9]+)(.*) BC$', '\\1 (BC)\\2') ELSE ${text} END`
  );
}

/** An identifier of DuckDB, always quoted. */
/** A table of the warehouse, not quoted. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export function qualified({ schema, name }: TableName): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
