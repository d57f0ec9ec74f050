/** Decides how the columns of a read travel: each value as text (postgres/read/value-text), and its packed form. */
import { binaryForm, isBinaryKind, type BinaryKind } from '../../model/binary-values';
import { isFreeText, type ColumnType } from '../../model/column-type';
import type { ColumnSchema, SourceType } from '../../model/table';
import { quoteIdentifier } from '../connection';
import { policyText } from './policy-text';
import { valueText } from './value-text';

/** A column of a read: of the table itself, or as a transformation rewrote it. */
export interface SelectColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** SQL of type text over the row alias `t`; NULL where the value is NULL. */
  readonly textExpression: string;
  /** False only where the server guarantees it. */
  readonly nullable: boolean;
  /** True only where the server has parsed every value as JSON. */
  readonly isJson?: boolean;
  /** SQL for the same text, where there is one that costs the server less. */
  readonly fasterText?: string;
  /**
   * A second form in which the value may travel: SQL for it, and SQL of type bytea for its bytes, NULL where it is
   * NULL.
   */
  readonly binary?: { readonly kind: BinaryKind; readonly reference: string; readonly expression: string };
}

/** Alias of the relation in every statement that reads rows. */
export const ROW_ALIAS = 't';

export function selectColumn(column: ColumnSchema, isKey: boolean): SelectColumn {
  const reference = `${ROW_ALIAS}.${quoteIdentifier(column.name)}`;
  const keyText = (text: string): string => (isKey && column.sourceType.isArray ? withBounds(reference, text) : text);
  const { policy } = column;
  if (policy !== undefined)
    return {
      name: column.name,
      type: column.type,
      textExpression: policyText(reference, column.sourceType, policy, keyText),
      nullable: column.nullable || policy.action.kind === 'null',
    };
  const text = valueText(reference, column.sourceType, column.type);
  return {
    name: column.name,
    type: column.type,
    textExpression: keyText(text),
    nullable: column.nullable,
    isJson: isJsonb(column.sourceType),
    ...fasterText(reference, column),
    ...binary(reference, column),
  };
}

/** A cast of a boolean to text makes a copy of the word for each row. */
function fasterText(reference: string, { sourceType, type }: ColumnSchema): Pick<SelectColumn, 'fasterText'> {
  if (!isBuiltIn(sourceType) || sourceType.name !== 'bool' || type.kind !== 'boolean') return {};
  return { fasterText: `CASE WHEN ${reference} THEN 'true' WHEN NOT ${reference} THEN 'false' END` };
}

/** Functions of PostgreSQL's binary protocol by type. Each kind is used only where the column has that type. */
const SEND_FUNCTIONS: Readonly<Record<BinaryKind, { readonly type: string; readonly send: string }>> = {
  int16: { type: 'int2', send: 'int2send' },
  int32: { type: 'int4', send: 'int4send' },
  int64: { type: 'int8', send: 'int8send' },
  date: { type: 'date', send: 'date_send' },
  timestamp: { type: 'timestamp', send: 'timestamp_send' },
  timestamptz: { type: 'timestamptz', send: 'timestamptz_send' },
  float32: { type: 'float4', send: 'float4send' },
  float64: { type: 'float8', send: 'float8send' },
};

function binary(reference: string, { sourceType, type }: ColumnSchema): Pick<SelectColumn, 'binary'> {
  const { kind } = type;
  if (!isBuiltIn(sourceType) || !isBinaryKind(kind) || SEND_FUNCTIONS[kind].type !== sourceType.name) return {};
  return { binary: { kind, reference, expression: `pg_catalog.${SEND_FUNCTIONS[kind].send}(${reference})` } };
}

/** json is not among them, because it may hold half of a surrogate pair; nor is the result of casts to json. */
function isJsonb(sourceType: SourceType): boolean {
  return isBuiltIn(sourceType) && sourceType.name === 'jsonb';
}

function isBuiltIn({ schema, category, isArray }: SourceType): boolean {
  return schema === 'pg_catalog' && category === 'b' && !isArray;
}

/** '[2:2]={1}' and '{1}' are two keys to PostgreSQL, and would be one as JSON: the first is kept as a JSON string. */
function withBounds(array: string, text: string): string {
  return `CASE WHEN left(${array}::text, 1) = '[' THEN pg_catalog.to_json(${array}::text)::text ELSE ${text} END`;
}

/** `binary`: the columns that may are sent as digits, the others plain. */
export type Packing = 'plain' | 'escaped' | 'binary';

/**
 * One cell with all values of a column. Each text is followed by U+001F, and NULL is U+001D. The last value has the
 * separator too, so that a cell that a driver cut short is noticed. Digits all have one length.
 */
export function packedAggregate(column: SelectColumn, packing: Packing): string {
  const digits = binaryOf(column, packing);
  if (digits !== undefined) {
    const { nullDigits } = binaryForm(digits.kind);
    const value = column.nullable
      ? `coalesce(${digits.expression}, pg_catalog.decode('${nullDigits}', 'hex'))`
      : digits.expression;
    return `pg_catalog.encode(string_agg(${value}, ''::bytea), 'hex')`;
  }
  const plain = column.fasterText ?? column.textExpression;
  const text = packing === 'escaped' && isFreeText(column.type) ? escapedText(plain) : plain;
  const value = column.nullable ? `coalesce(${text}, E'\\x1d')` : text;
  return `string_agg(${value}, E'\\x1f') || E'\\x1f'`;
}

/** Digits of a row where no column is text; NULL has as many as a value. */
export function leastDigits(columns: readonly SelectColumn[]): number {
  return columns.reduce((sum, { binary: it }) => sum + (it === undefined ? 0 : binaryForm(it.kind).digits), 0);
}

/** How the column travels as digits; undefined where it travels as text. */
export function binaryOf(column: SelectColumn, packing: Packing): SelectColumn['binary'] {
  return packing === 'binary' ? column.binary : undefined;
}

/** One row's values in one cell, for the cursor path, where rows cannot be aggregated. Always escaped. */
export function packedRow(columns: readonly SelectColumn[]): string {
  const cells = columns.map((column) => {
    const plain = column.fasterText ?? column.textExpression;
    const text = isFreeText(column.type) ? escapedText(plain) : plain;
    return column.nullable ? `coalesce(${text}, E'\\x1d')` : text;
  });
  // concat_ws takes at most 100 arguments through some paths; || takes any number.
  return cells.length === 0 ? `''::text` : cells.join(` || E'\\x1f' || `);
}

function escapedText(text: string): string {
  return `replace(replace(replace(${text}, E'\\x1b', E'\\x1b0'), E'\\x1f', E'\\x1b1'), E'\\x1d', E'\\x1b2')`;
}
