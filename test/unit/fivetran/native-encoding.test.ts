import fc from 'fast-check';
import { NativeEncoding } from '../../../src/fivetran/native-encoding';
import { MESSAGE_BYTES, MOST_RECORDS, RecordEncoder } from '../../../src/fivetran/record-encoder';
import { Bytes } from '../../../src/fivetran/wire-buffer';
import type { ColumnType } from '../../../src/model/column-type';
import { PackedBatch, PackedColumn, packValues } from '../../../src/model/packed-batch';
import { nativeRecordEncoder } from '../../../src/native/record-encoder';

const TABLE = { key: 'public.t', schemaName: 'public', tableName: 't' };
const LIMITS = [MOST_RECORDS, MESSAGE_BYTES, 120_000_000] as const;
const NOTHING = Buffer.alloc(0);

function byAddon(type: ColumnType, batch: PackedBatch, limits = LIMITS as readonly [number, number, number]) {
  const beginning = Buffer.from('0a067075626c6963120174', 'hex');
  return NativeEncoding.create(beginning, [{ name: 'c', type, index: 0 }], limits)?.messages(batch, NOTHING);
}

function inTypeScript(type: ColumnType, batch: PackedBatch): Buffer[] | undefined {
  const encoder = new RecordEncoder(TABLE, 'upsert', [{ name: 'c', type, index: 0 }], undefined, false);
  try {
    return [...encoder.messages(batch, new Bytes(NOTHING))].map(({ bytes }) => bytes);
  } catch {
    return undefined;
  }
}

const batchOf = (...values: (string | null)[]): PackedBatch => new PackedBatch(values.length, [packValues(values)]);

const KINDS: readonly (readonly [ColumnType, readonly string[]])[] = [
  [{ kind: 'boolean' }, ['t', 'f', 'true', 'false']],
  [{ kind: 'int16' }, ['0', '-32768', '32767']],
  [{ kind: 'int32' }, ['0', '-2147483648', '2147483647', '-0', '007']],
  [{ kind: 'int64' }, ['0', '-9223372036854775808', '9223372036854775807', '1234567890123456']],
  [{ kind: 'float32' }, ['0', '-0', '3.4028235e+38', '1e-45', 'NaN', 'Infinity', '-Infinity', '0.1']],
  [{ kind: 'float64' }, ['0', '-0', '1.7976931348623157e+308', '5e-324', 'NaN', '-Infinity', '0.14285714285714285']],
  [{ kind: 'decimal', precision: 38, scale: 2 }, ['0.00', '-12345678901234567890.12']],
  [{ kind: 'decimal-unbounded' }, ['1e-30']],
  [{ kind: 'date' }, ['0001-01-01', '1969-12-31', '1970-01-01', '2024-02-29', '9999-12-31']],
  [{ kind: 'timestamp' }, ['1970-01-01 00:00:00', '0001-01-01 00:00:00.000001', '9999-12-31 23:59:59.999999']],
  [{ kind: 'timestamptz' }, ['1969-12-31 23:59:59.5+00', '2025-01-31 10:00:00+00']],
  [{ kind: 'binary' }, ['\\x', '\\x00ff', '\\xDEADbeef']],
  [{ kind: 'string' }, ['', 'x', 'größe 名 🐟', '\ud83d', 'a\udc1fb', 'x'.repeat(20_000), '名'.repeat(9_000)]],
  [{ kind: 'json' }, ['{"a": null}']],
  [{ kind: 'xml' }, ['<a/>']],
];

it('was built with the addon', () => {
  expect(typeof nativeRecordEncoder()).toBe('function');
});

it.each(KINDS)('encodes %j as the encoder in TypeScript does, nulls too', (type, values) => {
  const batch = batchOf(...values, null, ...values);
  const messages = byAddon(type, batch);
  expect(messages?.map(({ bytes }) => bytes.toString('hex'))).toEqual(
    inTypeScript(type, batch)?.map((bytes) => bytes.toString('hex')),
  );
  expect(messages?.reduce((sum, { records }) => sum + records, 0)).toBe(batch.rowCount);
});

it.each([
  [{ kind: 'boolean' }, ['', 'maybe']],
  [{ kind: 'int16' }, ['32768', '-32769', '', '-', '1.5', '+1', ' 1']],
  [{ kind: 'int32' }, ['2147483648', '99999999999999999999']],
  [{ kind: 'int64' }, ['9223372036854775808', '-9223372036854775809']],
  [{ kind: 'float64' }, ['', '-', 'a lot', '1,5', '1.5x', '0x10', '-NaN', 'infinity', '1e400']],
  [{ kind: 'date' }, ['infinity', '0044-03-15 BC', '10000-01-01', '2025-02-30', '0000-01-01', '2025-1-1', '']],
  [
    { kind: 'timestamp' },
    ['2025-01-01 24:00:00', '2025-01-01 10:00:60', '2025-01-01 10:00:00.1234567890', '2025-01-01 10:00'],
  ],
  [{ kind: 'timestamptz' }, ['2025-06-01 14:00:00+02', '2025-06-01 12:00:00Z', '2025-06-01 12:00:00+00 BC']],
  [{ kind: 'binary' }, ['', '\\', 'abc', '\\x0', '\\xzz']],
] as const)('leaves what is unusual for a %j to it', (type, values) => {
  for (const value of values) expect([value, byAddon(type, batchOf(value))]).toEqual([value, undefined]);
});

it('is never of another opinion, whatever the text', () => {
  const pieces = fc.constantFrom(
    '0',
    '1',
    '9',
    '-',
    '.',
    ':',
    ' ',
    '+',
    'e',
    'N',
    't',
    'f',
    '\\x',
    '2025-01-01',
    '10:00:00',
    'BC',
  );
  const texts = fc
    .array(fc.oneof(pieces, fc.string({ maxLength: 3 })), { maxLength: 6 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS.map(([type]) => type)),
      fc.array(fc.option(texts, { nil: null }), { minLength: 1 }),
      (type, values) => {
        const batch = batchOf(...values);
        const messages = byAddon(type, batch);
        if (messages === undefined) return;
        expect(messages.map(({ bytes }) => bytes.toString('hex'))).toEqual(
          inTypeScript(type, batch)?.map((bytes) => bytes.toString('hex')),
        );
      },
    ),
    { numRuns: 2_000 },
  );
});

it('leaves batches of the escaped encoding, of other counts than announced, and of rows that are too large', () => {
  expect(byAddon({ kind: 'string' }, batchOf('a\u001fb'))).toBeUndefined();
  for (const text of ['a', 'a\u001fb\u001fc', ''])
    expect(byAddon({ kind: 'string' }, new PackedBatch(2, [new PackedColumn(text, 2, false)]))).toBeUndefined();
  expect(byAddon({ kind: 'string' }, batchOf('x'.repeat(1_000)), [100, 100_000, 900])).toBeUndefined();
  expect(byAddon({ kind: 'string' }, new PackedBatch(0, [new PackedColumn('', 0, false)]))).toBeUndefined();
});

describe('called wrongly', () => {
  const encode = nativeRecordEncoder() as unknown as (...args: unknown[]) => unknown;
  const column = { kind: 5, field: 13, most: 0n, name: NOTHING, nullable: false, text: 'x' };
  const limits = [100, 100_000, 1_000_000];

  it('takes what is right', () => {
    expect(encode(1, NOTHING, [column], NOTHING, limits)).toHaveProperty('bytes');
  });

  it.each([
    ['nothing', []],
    ['rows that are no number', ['1', NOTHING, [column], NOTHING, limits]],
    ['a beginning that is text', [1, 'x', [column], NOTHING, limits]],
    ['columns that are no list', [1, NOTHING, column, NOTHING, limits]],
    ['a column that is none', [1, NOTHING, [null], NOTHING, limits]],
    ['a column without text', [1, NOTHING, [{ ...column, text: undefined }], NOTHING, limits]],
    ['a kind that does not exist', [1, NOTHING, [{ ...column, kind: 7 }], NOTHING, limits]],
    ['a negative kind', [1, NOTHING, [{ ...column, kind: -1 }], NOTHING, limits]],
    ['a field that needs two bytes', [1, NOTHING, [{ ...column, field: 16 }], NOTHING, limits]],
    ['a limit that is too large for 64 bits', [1, NOTHING, [{ ...column, most: 1n << 70n }], NOTHING, limits]],
    ['constants that are no buffer', [1, NOTHING, [column], new Array(3), limits]],
    ['limits that are missing', [1, NOTHING, [column], NOTHING, []]],
  ])('refuses %s', (_what, args) => {
    expect(() => encode(...args)).toThrow('was called wrongly');
  });

  it('passes on what a getter throws', () => {
    const failing = {
      get kind(): number {
        throw new RangeError('of its own');
      },
    };
    expect(() => encode(1, NOTHING, [failing], NOTHING, limits)).toThrow('of its own');
  });
});
