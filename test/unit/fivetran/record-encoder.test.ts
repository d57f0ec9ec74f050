import fc from 'fast-check';
import { ConnectorError } from '../../../src/common/errors';
import { MESSAGE_BYTES, MOST_RECORDS, encodeTruncate, RecordEncoder } from '../../../src/fivetran/record-encoder';
import { Bytes } from '../../../src/fivetran/wire-buffer';
import { timeEntry } from '../../../src/fivetran/value-writers';
import type { ColumnType } from '../../../src/model/column-type';
import { PackedBatch, PackedColumn, packValues } from '../../../src/model/packed-batch';
import { decodeRecords, decodeUpdate, valueOf, type DecodedRecord } from './decode';

type Text = string | null;

const TABLE = { key: 'public.t', schemaName: undefined, tableName: 'source_public_t' };
const NOTHING = new Bytes(Buffer.alloc(0));

function encode(
  columns: readonly { readonly name: string; readonly type: ColumnType; readonly values: readonly Text[] }[],
  constants = NOTHING,
): { records: DecodedRecord[]; messages: Buffer[]; nulled: string[] } {
  const nulled: string[] = [];
  const wireColumns = columns.map(({ name, type }, index) => ({ name, type, index }));
  const batch = new PackedBatch(
    columns[0]?.values.length ?? 0,
    columns.map(({ values }) => packValues(values)),
  );
  const [messages = [], byAddon = []] = [false, true].map((useAddon) => {
    const tell = (column: string): unknown => !useAddon && nulled.push(column);
    const encoder = new RecordEncoder(TABLE, 'upsert', wireColumns, tell, useAddon);
    return [...encoder.messages(batch, constants)].map(({ bytes }) => bytes);
  });
  // Both encoders, byte by byte.
  expect(byAddon.map((bytes, index) => bytes.equals(messages[index] ?? NOTHING.bytes))).toEqual(
    messages.map(() => true),
  );
  return { records: messages.flatMap((message) => [...decodeRecords(message)]), messages, nulled };
}

function column(type: ColumnType, values: readonly Text[], name = 'c'): unknown[] {
  return encode([{ name, type, values }]).records.map((record) => valueOf(record.data?.[name]));
}

const anyText = fc.string({ unit: 'binary', maxLength: 300 }).map((text) => text.replaceAll('\0', ''));
const nullable = <T extends string>(values: fc.Arbitrary<T>): fc.Arbitrary<Text[]> =>
  fc.array(fc.option(values, { nil: null, freq: 4 }), { minLength: 1, maxLength: 130 });

describe('values on the wire', () => {
  it.each(['string', 'json', 'xml'] as const)('carries %s as it is, control characters and all', (kind) => {
    fc.assert(fc.property(nullable(anyText), (values) => expect(column({ kind }, values)).toEqual(values)));
  });

  it('carries text that is longer than any table of prefixes foresees', () => {
    const values = ['', 'x'.repeat(127), 'é'.repeat(64), 'x'.repeat(16_384), '🐟'.repeat(100_000), null];
    expect(column({ kind: 'string' }, values)).toEqual(values);
  });

  it('carries decimals digit by digit', () => {
    const values = ['0', '-0.10', '12345678901234567890123456789012345678', '1e-30', null];
    expect(column({ kind: 'decimal', precision: 38, scale: 2 }, values)).toEqual(values);
  });

  it.each([
    ['int16', -(2n ** 15n), 2n ** 15n - 1n],
    ['int32', -(2n ** 31n), 2n ** 31n - 1n],
    ['int64', -(2n ** 63n), 2n ** 63n - 1n],
  ] as const)('carries %s over its whole range', (kind, min, max) => {
    const numbers = fc.oneof(fc.bigInt({ min, max }), fc.bigInt({ min: -300n, max: 300n }), fc.constantFrom(min, max));
    fc.assert(
      fc.property(nullable(numbers.map(String)), (values) =>
        expect(
          column({ kind }, values).map((value) => (value === null ? null : `${value as number | string}`)),
        ).toEqual(values),
      ),
    );
  });

  it('carries doubles and floats bit by bit', () => {
    const doubles = fc.array(fc.double(), { minLength: 1 });
    fc.assert(fc.property(doubles, (values) => expect(column({ kind: 'float64' }, values.map(text))).toEqual(values)));
    const floats = fc.array(fc.float(), { minLength: 1 });
    fc.assert(
      fc.property(floats, (values) =>
        // What PostgreSQL prints for a float4: the shortest text that stands for it.
        expect(
          column({ kind: 'float32' }, values.map(shortestFloat)).map((value) => Math.fround(value as number)),
        ).toEqual(values),
      ),
    );
  });

  it('carries booleans in both spellings', () => {
    expect(column({ kind: 'boolean' }, ['true', 'f', null, 't', 'false'])).toEqual([true, false, null, true, false]);
  });

  it('carries bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1 }), (values) => {
        const sent = values.map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`);
        expect(column({ kind: 'binary' }, sent)).toEqual(values.map((bytes) => Buffer.from(bytes)));
      }),
    );
  });
});

describe('dates and times on the wire', () => {
  const between = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  });

  it('carries every microsecond from year 1 to year 9999', () => {
    const moments = fc.array(fc.tuple(between, fc.integer({ min: 0, max: 999 })), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(moments, fc.constantFrom('', '+00'), (pairs, offset) => {
        const kind = offset === '' ? 'timestamp' : 'timestamptz';
        const texts = pairs.map(([date, micros]) => postgresTimestamp(date, micros) + offset);
        const expected = pairs.map(([date, micros]) => ({
          seconds: String(Math.floor(date.getTime() / 1000)),
          nanos: (date.getTime() - Math.floor(date.getTime() / 1000) * 1000) * 1_000_000 + micros * 1000,
        }));
        expect(column({ kind }, texts).map(complete)).toEqual(expected);
      }),
    );
  });

  it('carries dates as their midnight', () => {
    fc.assert(
      fc.property(between, (date) => {
        const day = date.toISOString().slice(0, 10);
        const seconds = String(Date.parse(`${day}T00:00:00Z`) / 1000);
        expect(column({ kind: 'date' }, [day]).map(complete)).toEqual([{ seconds, nanos: 0 }]);
      }),
    );
  });

  it('turns what a Timestamp cannot hold into NULL, and says for which column', () => {
    const values = ['infinity', '-infinity', '0044-03-15 BC', '10000-01-01', '5874897-12-31', '2025-01-01'];
    const { records, nulled } = encode([{ name: 'd', type: { kind: 'date' }, values }]);
    expect(records.map(({ data }) => valueOf(data?.['d']) === null)).toEqual([true, true, true, true, true, false]);
    expect(nulled).toEqual(['d', 'd', 'd', 'd', 'd']);
    const late = ['294276-12-31 23:59:59.999999+00', '0001-01-01 00:00:00+00 BC', '2025-01-01 00:00:00+00'];
    expect(column({ kind: 'timestamptz' }, late).map((value) => value === null)).toEqual([true, true, false]);
  });

  it('reads other offsets and ISO 8601 too, which transformations may write', () => {
    const same = [
      '2025-06-01 12:00:00+00',
      '2025-06-01T12:00:00Z',
      '2025-06-01 14:00:00+02',
      '2025-06-01 06:30:00-05:30',
    ];
    const expected = { seconds: String(Date.parse('2025-06-01T12:00:00Z') / 1000), nanos: 0 };
    expect(column({ kind: 'timestamptz' }, same).map(complete)).toEqual([expected, expected, expected, expected]);
  });
});

describe('records', () => {
  it('carries every column of every row, and the constants', () => {
    const constant = timeEntry('sync_timestamp', 1_700_000_000.25, 'float64');
    const { records } = encode(
      [
        { name: 'id', type: { kind: 'int32' }, values: ['1', '2', '3'] },
        { name: 'größe "x"', type: { kind: 'string' }, values: ['a', null, ''] },
      ],
      constant,
    );
    expect(
      records.map((record) => Object.fromEntries(Object.entries(record.data ?? {}).map(([k, v]) => [k, valueOf(v)]))),
    ).toEqual([
      { id: 1, 'größe "x"': 'a', sync_timestamp: 1_700_000_000.25 },
      { id: 2, 'größe "x"': null, sync_timestamp: 1_700_000_000.25 },
      { id: 3, 'größe "x"': '', sync_timestamp: 1_700_000_000.25 },
    ]);
    expect(records.every((record) => record.table_name === 'source_public_t' && record.type === undefined)).toBe(true);
  });

  it('makes messages of at most 100 records and 100 kB, in order, none lost', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 250 });
    fc.assert(
      fc.property(sizes, (lengths) => {
        const { records, messages } = encode([
          { name: 'n', type: { kind: 'int32' }, values: lengths.map((_, row) => String(row)) },
          { name: 'v', type: { kind: 'string' }, values: lengths.map((length) => 'x'.repeat(length)) },
        ]);
        expect(records.map(({ data }) => valueOf(data?.['n']))).toEqual(lengths.map((_, row) => row));
        expect(records.map(({ data }) => (valueOf(data?.['v']) as string).length)).toEqual(lengths);
        for (const message of messages) {
          const count = decodeRecords(message).length;
          expect(count).toBeLessThanOrEqual(MOST_RECORDS);
          if (count > 1) expect(message.length).toBeLessThanOrEqual(MESSAGE_BYTES + 8);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('sends a row that is larger than a message alone', () => {
    const { records, messages } = encode([
      { name: 'v', type: { kind: 'string' }, values: ['a', 'x'.repeat(5_000_000), 'b'] },
    ]);
    expect(records.map(({ data }) => (valueOf(data?.['v']) as string).length)).toEqual([1, 5_000_000, 1]);
    expect(messages).toHaveLength(3);
  });

  it('refuses a row that no message can hold, and says what to do', () => {
    const large = new PackedColumn('x'.repeat(121_000_000), 1, false);
    const encoder = new RecordEncoder(TABLE, 'upsert', [{ name: 'v', type: { kind: 'string' }, index: 0 }]);
    expect(() => [...encoder.messages(new PackedBatch(1, [large]), NOTHING)]).toThrow(/more than 120 MB/);
  });

  it.each([
    ['int32', 'many'],
    ['int32', '2147483648'],
    ['int64', '9223372036854775808'],
    ['boolean', 'maybe'],
    ['float64', 'a lot'],
    ['date', 'tomorrow'],
    ['date', '2025-02-30'],
    ['timestamp', '2025-01-01 25:00:00'],
    ['binary', 'abc'],
    ['binary', '\\xzz'],
  ] as const)('refuses a %s that a transformation has made %s', (kind, value) => {
    const failing = (): unknown => column({ kind }, [value]);
    expect(failing).toThrow(ConnectorError);
    expect(failing).toThrow(/^Column c of public\.t holds a value that is not a/);
  });

  it('sends deletes with the key alone, and truncates with nothing', () => {
    const key = [{ name: 'id', type: { kind: 'int64' } as const, index: 0 }];
    const deletes = new RecordEncoder({ ...TABLE, schemaName: 'public' }, 'delete', key);
    const batch = new PackedBatch(2, [packValues(['7', '8'])]);
    const [message] = [...deletes.messages(batch, NOTHING)];
    expect(decodeRecords(message?.bytes ?? Buffer.alloc(0))).toMatchObject([
      { schema_name: 'public', table_name: 'source_public_t', type: 'DELETE', data: { id: { long: '7' } } },
      { schema_name: 'public', table_name: 'source_public_t', type: 'DELETE', data: { id: { long: '8' } } },
    ]);
    expect(decodeUpdate(encodeTruncate(TABLE))).toMatchObject({
      operation: 'records',
      records: { records: [{ table_name: 'source_public_t', type: 'TRUNCATE' }] },
    });
  });
});

function text(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function shortestFloat(value: number): string {
  if (!Number.isFinite(value) || value === 0) return text(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const shorter = value.toExponential(digits - 1);
    if (Object.is(Math.fround(Number(shorter)), value)) return shorter;
  }
  return value.toExponential(8);
}

function postgresTimestamp(date: Date, micros: number): string {
  const iso = date.toISOString();
  const fraction = `${iso.slice(20, 23)}${String(micros).padStart(3, '0')}`.replace(/0+$/, '');
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Fields that are zero are not on the wire. */
function complete(value: unknown): unknown {
  return { seconds: '0', nanos: 0, ...(value as object) };
}
