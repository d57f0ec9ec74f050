/** Random tables: names, types, keys, rows, and what happens to them afterwards. */
import * as fc from 'fast-check';
import { escapeLiteral } from 'pg';

export interface RandomColumn {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
}

export interface RandomTable {
  readonly name: string;
  readonly columns: readonly RandomColumn[];
  /** Names of key columns; empty: no key. */
  readonly key: readonly string[];
  /** Literals by column, null for NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
  readonly changes: readonly RandomChange[];
}

/** `slice` picks about a quarter of the rows by their content. */
export type RandomChange =
  | { readonly kind: 'insert'; readonly rows: readonly (readonly (string | null)[])[] }
  | { readonly kind: 'update'; readonly column: number; readonly value: string | null; readonly slice: number }
  | { readonly kind: 'delete'; readonly slice: number }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'add column'; readonly column: RandomColumn; readonly value: string | null }
  | { readonly kind: 'drop column'; readonly column: number }
  | { readonly kind: 'rename column'; readonly column: number; readonly name: string }
  | { readonly kind: 'widen column'; readonly column: number }
  | { readonly kind: 'drop key' }
  | { readonly kind: 'rewrite' };

/** Types that exist before the tables do. */
export const TYPES_SQL = `
  CREATE TYPE mood AS ENUM ('', 'happy', 'it''s', E'sep\\x1farator');
  CREATE TYPE pair AS (number int, word text);
  CREATE DOMAIN small_money AS numeric(9,3)`;

const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');
const dates = (most: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.integer({ min: 1, max: most }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 28 }),
      fc.boolean(),
    )
    .map(
      ([year, month, day, bc]) =>
        [`${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`, bc && year < 4700] as const,
    )
    .map(([date, bc]) => (bc ? `${date} BC` : date));
const times = fc
  .tuple(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 999_999 }))
  .map(([second, micro]) => {
    const clock = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60].map((part) => padded(part, 2));
    return `${clock.join(':')}.${padded(micro, 6)}`;
  });
const moments = (most: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.tuple(dates(most), times).map(([date, time]) => date.replace(/( BC)?$/, ` ${time}$1`)) },
    { weight: 1, arbitrary: fc.constantFrom('infinity', '-infinity', 'epoch', '294246-12-31 23:59:59.999999') },
  );
const digits = (most: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: most }).map((list) => list.join(''));
const numerics = fc
  .tuple(fc.boolean(), digits(30), fc.option(digits(20)))
  .map(([minus, whole, fraction]) => `${minus ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`);
const isText = (text: string): boolean => !text.includes('\0') && !/\p{Surrogate}/u.test(text);
const texts = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }).filter(isText) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', '\u001d', '\u001f', '\u001b0', '\u001b', 'NULL', '\\', "'", '"', '\ufeff'),
  },
  { weight: 1, arbitrary: fc.string({ minLength: 1000, maxLength: 3000 }).filter(isText) },
);
const floats = fc.double().map((value) => (Object.is(value, -0) ? '-0' : String(value)));
const jsons = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes('\\u0000') && !/\\u[dD][89a-fA-F]/.test(text));

/** By type; the first of these can be keys. */
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  int: fc.integer().map(String),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  text: texts,
  uuid: fc.uuid(),
  date: fc.oneof(
    { weight: 9, arbitrary: dates(20_000) },
    { weight: 1, arbitrary: fc.constantFrom('infinity', '-infinity') },
  ),
  timestamptz: moments(20_000).map((text) => text.replace(/(\d)( BC)?$/, '$1+00$2')),
  numeric: numerics,
  'numeric(12,4)': fc.integer({ min: -99_999_999, max: 99_999_999 }).map((value) => String(value / 1000)),
  'double precision': floats,
  bytea: fc.uint8Array({ maxLength: 40 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  'varchar(40)': fc.string({ unit: 'grapheme', maxLength: 8 }).filter(isText),
  boolean: fc.constantFrom('t', 'f'),
  smallint: fc.integer({ min: -32_768, max: 32_767 }).map(String),
  real: fc.float().map((value) => (Object.is(value, -0) ? '-0' : String(value))),
  'char(6)': fc.string({ maxLength: 6 }).filter(isText),
  timestamp: moments(200_000),
  time: times,
  interval: fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => `${value} days ${-value} seconds`),
  json: jsons,
  jsonb: jsons,
  'int[]': fc.array(fc.option(fc.integer())).map((list) => `{${list.map((value) => value ?? 'NULL').join()}}`),
  'text[]': fc
    .array(texts, { maxLength: 4 })
    .map((list) => `{${list.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join()}}`),
  mood: fc.constantFrom('', 'happy', "it's", 'sep\u001farator'),
  pair: fc.integer().map((number) => `(${number},"a ""word"" ${number}")`),
  small_money: fc.integer({ min: -99_999, max: 99_999 }).map((value) => String(value / 1000)),
  int4range: fc
    .tuple(fc.integer({ max: 0 }), fc.integer({ min: 1, max: 2 ** 31 - 2 }))
    .map(([from, to]) => `[${from},${to})`),
  'bit varying': fc.array(fc.constantFrom('0', '1'), { maxLength: 70 }).map((bits) => bits.join('')),
  inet: fc.ipV4().map((address) => `${address}/24`),
};
const KEY_TYPES = Object.keys(VALUES).slice(0, 10);
const WIDER: Readonly<Record<string, string>> = {
  int: 'bigint',
  smallint: 'int',
  'varchar(40)': 'text',
  real: 'double precision',
  date: 'timestamp',
  mood: 'text',
  numeric: 'text',
};

/** PostgreSQL cuts names after 63 bytes. */
const names = fc
  .oneof(
    { weight: 5, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'user',
        'select',
        'Mixed Case',
        'a"b',
        "a'b",
        'a.b',
        'ctid_',
        '_fivetran_id',
        'sync_timestamp',
        'x'.repeat(63),
      ),
    },
    { weight: 2, arbitrary: fc.stringMatching(/^[a-z][a-z_]{0,10}$/) },
  )
  .filter((name) => isText(name) && Buffer.byteLength(name) <= 63);
const columns: fc.Arbitrary<RandomColumn> = fc.record({
  name: names,
  type: fc.constantFrom(...Object.keys(VALUES)),
  nullable: fc.boolean(),
});

/** An index entry takes 2,704 bytes at most. */
const LONGEST_KEY = 500;

function valueOf({ name, type, nullable }: RandomColumn, key: readonly string[] = []): fc.Arbitrary<string | null> {
  const every = VALUES[type] ?? texts;
  const values = key.includes(name) ? every.filter((value) => Buffer.byteLength(value) <= LONGEST_KEY) : every;
  return nullable ? fc.option(values, { freq: 4 }) : values;
}

export const randomTable: fc.Arbitrary<RandomTable> = fc
  .tuple(
    names,
    fc.uniqueArray(columns, { selector: (column) => column.name, minLength: 1, maxLength: 8 }),
    fc.integer({ min: 0, max: 2 }),
  )
  .chain(([name, listed, keyColumns]) => {
    const key = listed
      .filter((column) => KEY_TYPES.includes(column.type))
      .slice(0, keyColumns)
      .map((column) => column.name);
    const all = listed.map((column) => (key.includes(column.name) ? { ...column, nullable: false } : column));
    const row = fc.tuple(...all.map((column) => valueOf(column, key)));
    return fc.record({
      name: fc.constant(name),
      columns: fc.constant(all),
      key: fc.constant(key),
      rows: fc.array(row, { maxLength: 40, size: 'max' }),
      changes: fc.array(change(all, key), { maxLength: 4 }),
    });
  });

function change(all: readonly RandomColumn[], key: readonly string[]): fc.Arbitrary<RandomChange> {
  const anyColumn = fc.integer({ min: 0, max: all.length - 1 });
  const slice = fc.integer({ min: 0, max: 3 });
  const loose = all.flatMap((column, index) => (key.includes(column.name) ? [] : [index]));
  const common: fc.Arbitrary<RandomChange>[] = [
    fc.record({
      kind: fc.constant('insert' as const),
      rows: fc.array(fc.tuple(...all.map((column) => valueOf(column, key))), { maxLength: 10 }),
    }),
    anyColumn.chain((column) =>
      fc.record({
        kind: fc.constant('update' as const),
        column: fc.constant(column),
        value: valueOf(all[column] ?? { name: '', type: 'text', nullable: true }),
        slice,
      }),
    ),
    fc.record({ kind: fc.constant('delete' as const), slice }),
    fc.constantFrom<RandomChange>({ kind: 'truncate' }, { kind: 'rewrite' }, { kind: 'drop key' }),
    columns.chain((column) =>
      fc.record({
        kind: fc.constant('add column' as const),
        column: fc.constant({ ...column, nullable: true }),
        value: valueOf(column),
      }),
    ),
    fc.record({ kind: fc.constant('rename column' as const), column: anyColumn, name: names }),
    fc.record({ kind: fc.constant('widen column' as const), column: anyColumn }),
  ];
  if (loose.length > 0)
    common.push(fc.record({ kind: fc.constant('drop column' as const), column: fc.constantFrom(...loose) }));
  return fc.oneof(...common);
}

/** A type, and two values of it as SQL. */
export interface TypeWithValues {
  readonly type: string;
  readonly one: string;
  readonly other: string;
}

export const typeWithValues: fc.Arbitrary<TypeWithValues> = columns.chain(({ type }) => {
  const value = valueOf({ name: '', type, nullable: true }).map(
    (text) => `${text === null ? 'NULL' : escapeLiteral(text)}::${type}`,
  );
  return fc.record({ type: fc.constant(type), one: value, other: value });
});

export function widerType(type: string): string | undefined {
  return WIDER[type];
}
