/**
 * Rows by their keys, many in one statement, and which of the keys have no row. The keys are texts as PostgreSQL itself
 * writes them, so each is the same value again after a cast to its column's type.
 */
import type { PackedBatch } from '../../model/packed-batch';
import type { ColumnSchema, Relation, SourceType } from '../../model/table';
import { quoteIdentifier, quoteLiteral, quoteRows, type Session } from '../connection';
import { readPacked } from './read-packed';
import { ROW_ALIAS, type SelectColumn } from './select-list';
import { keepServerMemory } from './server-memory';

export interface KeyedRead {
  readonly relation: Pick<Relation, 'schema' | 'name' | 'includesChildren'>;
  /** Columns of the key, in its order. */
  readonly key: readonly ColumnSchema[];
  readonly columns: readonly SelectColumn[];
  /** SQL conditions over the row alias; rows that do not meet them count as missing. */
  readonly conditions: readonly string[];
  readonly batchBytes: number;
  readonly binary?: () => boolean;
  readonly signal: AbortSignal | undefined;
}

/** Texts of some keys, by column. */
export type KeyTexts = readonly (readonly string[])[];

/** Yields the rows that there are of these keys. Must run inside a transaction with the savepoint of postgres/read/snapshot. */
export async function* readKeyedRows(
  session: Session,
  read: KeyedRead,
  keys: KeyTexts,
): AsyncGenerator<PackedBatch, void, void> {
  yield* inPieces(session, read, keys, (piece) => ({
    relation: read.relation,
    columns: read.columns,
    conditions: [...read.conditions, hasOneOf(read, piece)],
  }));
}

/** Yields those of the keys that have no row; `columns` of the read must be those of the key. */
export async function* readMissingKeys(
  session: Session,
  read: KeyedRead,
  keys: KeyTexts,
): AsyncGenerator<PackedBatch, void, void> {
  yield* inPieces(session, read, keys, (piece) => ({
    relation: read.relation,
    rowsFrom: missing(read, piece),
    columns: read.columns,
    conditions: [],
  }));
}

async function* inPieces(
  session: Session,
  read: KeyedRead,
  keys: KeyTexts,
  query: (keys: KeyTexts) => Parameters<typeof readPacked>[1],
): AsyncGenerator<PackedBatch, void, void> {
  const count = keys[0]?.length ?? 0;
  if (count === 0) return;
  const { batchBytes, signal } = read;
  const how = { atMostOne: count === 1, batchBytes, binary: read.binary?.() === true, signal };
  const batch = await readPacked(session, query(keys), how);
  if (batch !== undefined) {
    await keepServerMemory(session, batch.bytes, signal);
    if (batch.rowCount > 0) yield batch;
    return;
  }
  const middle = count >> 1;
  yield* inPieces(
    session,
    read,
    keys.map((texts) => texts.slice(0, middle)),
    query,
  );
  yield* inPieces(
    session,
    read,
    keys.map((texts) => texts.slice(middle)),
    query,
  );
}

function hasOneOf({ relation, key }: KeyedRead, keys: KeyTexts): string {
  const [only, ...others] = key;
  // The array is what an index is asked with at once, in half the time of a join. Of partitions it would ask each.
  if (only !== undefined && others.length === 0 && relation.includesChildren !== true && hasPlainArray(only.sourceType))
    return `${reference(only)} = ANY (${arrayLiteral(keys[0] ?? [])}::${only.declaredType}[])`;
  const values = key.map((column, index) => typedKey(column, index));
  return `(${key.map(reference).join(', ')}) IN (SELECT ${values.join(', ')} FROM ${unnested(keys)})`;
}

/** Keys that are not there, as rows with the names and types of the key's columns. */
function missing({ relation, key, conditions }: KeyedRead, keys: KeyTexts): string {
  const values = key.map((column, index) => `${typedKey(column, index)} AS ${quoteIdentifier(column.name)}`);
  const same = key.flatMap((column, index) => {
    const equal = `${reference(column)} = ${typedKey(column, index)}`;
    if (hasOneText(column.sourceType)) return [equal];
    // 1.0 and 1.00 are equal and two texts: where the row has the other one, this one has gone.
    return [equal, `${reference(column)}::text COLLATE "C" = ${typedKey(column, index)}::text COLLATE "C"`];
  });
  const where = [...same, ...conditions.map((condition) => `(${condition})`)].join(' AND ');
  return (
    `(SELECT ${values.join(', ')} FROM ${unnested(keys)} ` +
    `WHERE NOT EXISTS (SELECT FROM ${quoteRows(relation)} AS ${ROW_ALIAS} WHERE ${where}))`
  );
}

function reference({ name }: ColumnSchema): string {
  return `${ROW_ALIAS}.${quoteIdentifier(name)}`;
}

/** An array of arrays would be one array of more dimensions, and some types have no arrays: as texts, all have. */
function unnested(keys: KeyTexts): string {
  const arrays = keys.map((texts) => `${arrayLiteral(texts)}::text[]`);
  return `unnest(${arrays.join(', ')}) AS u(${keys.map((_, index) => `k${index}`).join(', ')})`;
}

function typedKey({ declaredType }: ColumnSchema, index: number): string {
  return `u.k${index}::${declaredType}`;
}

function arrayLiteral(texts: readonly string[]): string {
  const elements = texts.map((text) =>
    /^[\w.:+-]+$/.test(text) && !/^null$/i.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`,
  );
  return quoteLiteral(`{${elements.join(',')}}`);
}

function hasPlainArray({ schema, category, isArray }: SourceType): boolean {
  return schema === 'pg_catalog' && category === 'b' && !isArray;
}

/** Types of which equal values have equal texts. */
const ONE_TEXT: ReadonlySet<string> = new Set([
  'int2',
  'int4',
  'int8',
  'oid',
  'bool',
  'uuid',
  'date',
  'timestamp',
  'timestamptz',
  'bytea',
]);

/** Whether equal keys are equal texts. */
export function hasOneTextEach(key: readonly ColumnSchema[]): boolean {
  return key.every(({ sourceType }) => hasOneText(sourceType));
}

function hasOneText({ schema, name }: SourceType): boolean {
  return schema === 'pg_catalog' && ONE_TEXT.has(name);
}
