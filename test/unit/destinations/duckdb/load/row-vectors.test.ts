import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { castExpression, literal } from '../../../../../src/destinations/duckdb/types';
import { VECTOR_ROWS } from '../../../../../src/destinations/duckdb/library';
import { Warehouse } from '../../../../../src/destinations/duckdb/warehouse';
import { mostBytesOf, sourceOfRows, type DecodedRows } from '../../../../../src/destinations/duckdb/load/row-vectors';
import { storedText } from '../../../../../src/destinations/duckdb/verify/postgres-text';
import { binaryForm, textsOfBinary, type BinaryKind, type ExactKind } from '../../../../../src/model/binary-values';
import { PackedBatch, PackedColumn, packValues, SEPARATOR } from '../../../../../src/model/packed-batch';
import { nativeColumnDecoder } from '../../../../../src/native/column-decoder';

type Values = readonly (string | null)[];

let folder: string;
let warehouse: Warehouse;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-vectors-'));
  const columnDecoder = nativeColumnDecoder();
  if (columnDecoder === undefined) throw new Error('The addon was not built.');
  warehouse = await Warehouse.open({ path: join(folder, 'w.db'), memoryBytes: 256_000_000, threads: 1, columnDecoder });
});

afterAll(async () => {
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

/** In an arena of its own, as small as may be. */
async function decode(batch: PackedBatch, types: readonly string[]): Promise<DecodedRows> {
  const { rowVectors } = warehouse;
  if (rowVectors === undefined) throw new Error('There is no decoder.');
  return decodedRows(await rowVectors.decode(batch, types, { buffer: new ArrayBuffer(mostBytesOf(batch)), used: 0 }));
}

function decodedRows(rows: DecodedRows | undefined): DecodedRows {
  if (rows === undefined) throw new Error('The digits were not decoded.');
  return rows;
}

/** Columns of values through vectors: for each its type, and its values as the warehouse has them. */
async function byVectors(types: readonly string[], columns: readonly Values[]): Promise<[string, Values][]> {
  const packed = columns.map(packValues);
  const stored = await byVectorsOf(types, packed);
  // The same again with what is ASCII called that.
  const known = packed.map((column) => {
    const { text, rowCount, nullable, encoding } = column;
    return new PackedColumn(text, rowCount, nullable, encoding, { ascii: !/[^\0-\x7f]/.test(text) });
  });
  expect(await byVectorsOf(types, known)).toEqual(stored);
  return stored;
}

async function byVectorsOf(types: readonly string[], columns: readonly PackedColumn[]): Promise<[string, Values][]> {
  const batch = new PackedBatch(columns[0]?.rowCount ?? 0, columns);
  const rows = await decode(batch, types);
  const table = rows.types.map((type, index) => `c${index} ${type}`).join(', ');
  await warehouse.run(`CREATE OR REPLACE TABLE v (${table})`);
  const insert = await warehouse.prepare(`INSERT INTO v SELECT * FROM ${sourceOfRows(rows)}`);
  expect(await warehouse.runWithRows(insert, [rows])).toBe(batch.rowCount);
  const texts = rows.types.map((type, index) => storedText(`c${index}`, type)).join(', ');
  const stored = (await warehouse.rows(`SELECT ${texts} FROM v ORDER BY rowid`)) as (string | null)[][];
  return rows.types.map((type, index) => [type, stored.map((row) => row[index] ?? null)]);
}

/** The same through DuckDB's own cast, NULL where it fails. */
async function byCasts(type: string, values: Values): Promise<Values> {
  const rows = values.map((value, n) => `(${n}, ${value === null ? 'CAST(NULL AS VARCHAR)' : literal(value)})`);
  const cast = `TRY(${castExpression('t', type, 'plain')})`;
  const sql = `SELECT ${storedText('v', type)} FROM (SELECT n, ${cast} AS v FROM (VALUES ${rows.join(', ')}) AS x(n, t)) ORDER BY n`;
  return (await warehouse.rows(sql)).map((row) => row[0] as string | null);
}

const digits = (most: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^(0|[1-9][0-9]{0,${most - 1}})$`)).filter((text) => text.length <= most);
const signed = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('', '-'), text).map((parts) => parts.join(''));
const integer = (bits: bigint): fc.Arbitrary<string> =>
  fc.bigInt({ min: -(1n << (bits - 1n)), max: (1n << (bits - 1n)) - 1n }).map(String);
const decimal = (precision: number, scale: number): fc.Arbitrary<string> =>
  signed(
    fc
      .tuple(
        precision === scale ? fc.constant('0') : digits(precision - scale),
        fc.stringMatching(new RegExp(`^[0-9]{${scale}}$`)),
      )
      .map(([whole, fraction]) => (scale === 0 ? whole : `${whole}.${fraction}`)),
  );
/** As PostgreSQL writes them: 1.5e-07, 1e+20. */
const float = (value: number): string =>
  (Object.is(value, -0) ? '-0' : String(value)).replace(/e([+-])(\d)$/, 'e$10$2');
const number = (least: number, most: number, length = 2): fc.Arbitrary<string> =>
  fc.integer({ min: least, max: most }).map((value) => String(value).padStart(length, '0'));
const day = fc.tuple(number(1, 9999, 4), number(1, 12), number(1, 28)).map((parts) => parts.join('-'));
const time = fc
  .tuple(number(0, 23), number(0, 59), number(0, 59), fc.constantFrom('', '.5', '.000001', '.999999', '.12345'))
  .map(([hours, minutes, seconds, fraction]) => `${hours}:${minutes}:${seconds}${fraction}`);
const moment = fc.tuple(day, time).map((parts) => parts.join(' '));

/** What PostgreSQL writes for all but rare values. */
const USUAL: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ['BOOLEAN', fc.constantFrom('true', 'false', 't', 'f')],
  ['SMALLINT', integer(16n)],
  ['INTEGER', integer(32n)],
  ['BIGINT', integer(64n)],
  ['FLOAT', fc.float({ noNaN: true, noDefaultInfinity: true }).map(float)],
  ['DOUBLE', fc.double({ noNaN: true, noDefaultInfinity: true }).map(float)],
  ['DECIMAL(4,0)', decimal(4, 0)],
  ['DECIMAL(4,4)', decimal(4, 4)],
  ['DECIMAL(9,2)', decimal(9, 2)],
  ['DECIMAL(18,18)', decimal(18, 18)],
  ['DECIMAL(18,3)', decimal(18, 3)],
  ['DECIMAL(19,2)', decimal(19, 2)],
  ['DECIMAL(38,0)', decimal(38, 0)],
  ['DECIMAL(38,37)', decimal(38, 37)],
  ['DATE', day],
  ['TIMESTAMP', moment],
  ['TIMESTAMP WITH TIME ZONE', moment.map((text) => `${text}+00`)],
  ['BLOB', fc.uint8Array({ maxLength: 40 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)],
  ['VARCHAR', fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !/[\0\ud800-\udfff]/u.test(text))],
];

it.each(USUAL)('usual values of %s are decoded, to what a cast makes of them', async (type, value) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(value, { nil: null }), { minLength: 1, maxLength: 200 }), async (values) => {
      expect(await byVectors([type], [values])).toEqual([[type, await byCasts(type, values)]]);
    }),
    { numRuns: 30 },
  );
});

it.each(USUAL)('whatever else is decoded to %s is what a cast makes of it', async (type) => {
  const odd = fc.oneof(
    fc.stringMatching(/^[-+0-9. :eEtT\\x]{0,12}$/),
    fc.stringMatching(/^-?[0-9]{0,40}\.?[0-9]{0,40}$/),
    fc.stringMatching(
      /^[0-9]{4,6}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?([+-][0-9]{2})?)?( BC)?$/,
    ),
    fc.constantFrom(
      'infinity',
      '-infinity',
      'Infinity',
      'NaN',
      '-NaN',
      'nan',
      'inf',
      '1e400',
      '4.9e-324',
      '24:00:00',
      'true ',
    ),
  );
  let decoded = 0;
  // What is made by chance may be none of a narrow type: these are tried each time, and some of them are of each DECIMAL.
  const examples: [string[]][] = [[['0', '-0', '7', '.5', '0.5', '-0.0001', '0.12345', '1e-3', '+1', '00.10']]];
  await fc.assert(
    fc.asyncProperty(fc.array(odd, { minLength: 20, maxLength: 40 }), async (values) => {
      const columns = await byVectors(
        values.map(() => type),
        values.map((value) => [value]),
      );
      const casts = await byCasts(type, values);
      for (const [index, [given, [stored]]] of columns.entries()) {
        if (given !== type) expect(stored).toBe(values[index]);
        else expect([values[index], stored]).toEqual([values[index], casts[index]]);
        decoded += given === type ? 1 : 0;
      }
    }),
    { numRuns: 30, examples },
  );
  if (type === 'VARCHAR' || type.startsWith('DECIMAL')) expect(decoded).toBeGreaterThan(0);
});

it.each([
  ['a decimal of more digits than its type has', 'DECIMAL(4,2)', '100.00'],
  ['more digits after the point', 'DECIMAL(4,2)', '1.234'],
  ['a decimal beyond 38 digits', 'DECIMAL(38,0)', '9'.repeat(39)],
  ['NaN as a decimal', 'DECIMAL(9,2)', 'NaN'],
  ['NaN', 'DOUBLE', 'NaN'],
  ['an infinity', 'FLOAT', '-Infinity'],
  ['an infinite date', 'DATE', 'infinity'],
  ['a date before the common era', 'DATE', '0044-03-15 BC'],
  ['a year of five digits', 'TIMESTAMP', '10000-01-01 00:00:00'],
  ['an offset', 'TIMESTAMP WITH TIME ZONE', '2025-01-01 00:00:00+02'],
  ['a time zone where there should be none', 'TIMESTAMP', '2025-01-01 00:00:00+00'],
  ['an integer beyond its type', 'SMALLINT', '32768'],
  ['an empty text', 'INTEGER', ''],
  ['half a byte', 'BLOB', '\\x0'],
])('%s is left to the cast, with its whole column', async (_, type, value) => {
  expect(
    await byVectors(
      [type, 'INTEGER'],
      [
        [value, '1', null],
        ['1', null, '2'],
      ],
    ),
  ).toEqual([
    ['VARCHAR', [value, '1', null]],
    ['INTEGER', ['1', null, '2']],
  ]);
});

it.each([1, 63, 64, 65, VECTOR_ROWS - 1, VECTOR_ROWS, VECTOR_ROWS + 1, 2 * VECTOR_ROWS, 5_000])(
  'all of %d rows arrive in order, with their NULLs',
  async (rows) => {
    const numbers = Array.from({ length: rows }, (_, row) => (row % 7 === 3 ? null : String(row * 3)));
    const texts = numbers.map((value, row) => (row % 5 === 0 ? null : `text ${value} of more than twelve bytes`));
    const short = numbers.map((value) => value ?? '');
    expect(await byVectors(['INTEGER', 'VARCHAR', 'VARCHAR'], [numbers, texts, short])).toEqual([
      ['INTEGER', numbers],
      ['VARCHAR', texts],
      ['VARCHAR', short],
    ]);
  },
);

it('a text may be as long as it likes, and the next batch is not disturbed by it', async () => {
  const long = 'ä€😀x'.repeat(3_000_000);
  expect(await byVectors(['VARCHAR'], [[long, null, 'short']])).toEqual([['VARCHAR', [long, null, 'short']]]);
  expect(await byVectors(['VARCHAR'], [['next']])).toEqual([['VARCHAR', ['next']]]);
});

it('what is no NULL marker in a column without NULLs is text', async () => {
  const batch = new PackedBatch(1, [new PackedColumn('\u001d', 1, false)]);
  const rows = await decode(batch, ['VARCHAR']);
  await warehouse.run('CREATE OR REPLACE TABLE v (c0 VARCHAR)');
  await warehouse.runWithRows(await warehouse.prepare(`INSERT INTO v SELECT * FROM ${sourceOfRows(rows)}`), [rows]);
  expect(await warehouse.rows('SELECT c0 FROM v')).toEqual([['\u001d']]);
});

it.each([
  ['fewer', 'a'],
  ['more', ['a', 'b', 'c'].join(SEPARATOR)],
])('a column of %s values than rows is refused', async (_, text) => {
  for (const type of ['VARCHAR', 'INTEGER', 'BLOB'])
    await expect(decode(new PackedBatch(2, [new PackedColumn(text, 2, true)]), [type])).rejects.toThrow(
      'A batch has not as many values in each column as it has rows.',
    );
});

it('a statement that is run without its batch fails, and writes nothing', async () => {
  const rows = await decode(new PackedBatch(1, [packValues(['1'])]), ['INTEGER']);
  await warehouse.run('CREATE OR REPLACE TABLE v (c0 INTEGER)');
  const insert = await warehouse.prepare(`INSERT INTO v SELECT * FROM ${sourceOfRows(rows)}`);
  await expect(warehouse.runPrepared(insert, [])).rejects.toThrow('A statement was run without its batch');
  expect(await warehouse.rows('SELECT count(*) FROM v')).toEqual([[0n]]);
});

it('several batches are one statement, each with its own NULLs and vectors that are not full', async () => {
  const { rowVectors } = warehouse;
  if (rowVectors === undefined) throw new Error('There is no decoder.');
  const values = [1, VECTOR_ROWS + 1, 3, VECTOR_ROWS].map((rows, part) =>
    Array.from({ length: rows }, (_, row) =>
      part % 2 === 0 && row % 3 === 0 ? null : `${part}: a text of row ${row}`,
    ),
  );
  const batches = values.map((texts) => new PackedBatch(texts.length, [packValues(texts)]));
  const arena = rowVectors.takeArena(batches.reduce((sum, batch) => sum + mostBytesOf(batch), 0));
  const parts: DecodedRows[] = [];
  for (const batch of batches) parts.push(decodedRows(await rowVectors.decode(batch, ['VARCHAR'], arena)));
  await warehouse.run('CREATE OR REPLACE TABLE v (c0 VARCHAR)');
  const insert = await warehouse.prepare(`INSERT INTO v SELECT * FROM ${sourceOfRows({ signature: '17' })}`);
  for (const times of [1, 2]) {
    expect(await warehouse.runWithRows(insert, parts)).toBe(values.flat().length);
    const stored = (await warehouse.rows('SELECT c0 FROM v ORDER BY rowid')).flat();
    expect(stored).toEqual(Array.from({ length: times }, () => values.flat()).flat());
  }
});

describe('digits of bytes', () => {
  const bits = (size: 16 | 32 | 64, value: bigint): string =>
    BigInt.asUintN(size, value)
      .toString(16)
      .padStart(size / 4, '0');
  const ofFloat = (value: number): string => {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatBE(value);
    return bytes.toString('hex');
  };
  const ofDouble = (value: number): string => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return bytes.toString('hex');
  };
  /** Values between the years 1 and 9999, with their digits. */
  const microseconds = fc.bigInt({ min: -63_082_281_600_000_000n, max: 252_455_615_999_999_999n });
  const days = fc.integer({ min: -730_119, max: 2_921_939 });
  const KINDS: readonly (readonly [string, BinaryKind, fc.Arbitrary<readonly [string, string | null]>])[] = [
    ['SMALLINT', 'int16', integer(16n).map((x) => [bits(16, BigInt(x)), x] as const)],
    ['INTEGER', 'int32', integer(32n).map((x) => [bits(32, BigInt(x)), x] as const)],
    ['BIGINT', 'int64', integer(64n).map((x) => [bits(64, BigInt(x)), x] as const)],
    [
      'FLOAT',
      'float32',
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => [ofFloat(x), float(x)] as const),
    ],
    [
      'DOUBLE',
      'float64',
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => [ofDouble(x), float(x)] as const),
    ],
    ...(['TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'] as const).map((type) => {
      const kind = type === 'TIMESTAMP' ? 'timestamp' : 'timestamptz';
      return [type, kind, microseconds.map((x) => [bits(64, x), textOf(kind, bits(64, x))] as const)] as const;
    }),
    ['DATE', 'date', days.map((x) => [bits(32, BigInt(x)), textOf('date', bits(32, BigInt(x)))] as const)],
  ];

  function textOf(kind: ExactKind, digitsOfOne: string): string | null {
    return textsOfBinary(kind, digitsOfOne, true)[0] ?? null;
  }

  it.each(KINDS)('of %s are what their text is', async (type, kind, value) => {
    const some = fc.array(fc.option(value, { freq: 5 }), { minLength: 1, maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(some, fc.boolean(), async (values, ascii) => {
        const text = values.map((pair) => pair?.[0] ?? binaryForm(kind).nullDigits).join('');
        const column = new PackedColumn(text, values.length, true, kind, { ascii });
        const [, expected] = (await byVectors([type], [values.map((pair) => pair?.[1] ?? null)]))[0] ?? [];
        expect(await byVectorsOf([type], [column])).toEqual([[type, expected]]);
      }),
      { numRuns: 30 },
    );
  });

  const one = (kind: BinaryKind, text: string, rowCount = 1): PackedBatch =>
    new PackedBatch(rowCount, [new PackedColumn(text, rowCount, true, kind)]);

  it.each([
    ['a year that DuckDB cannot hold', 'TIMESTAMP', one('timestamp', '7ffca2465aa36000')],
    ['a day that it cannot', 'DATE', one('date', '7ffffffe')],
    ['another type', 'VARCHAR', one('date', '00000000')],
    ['text where digits are not looked for', 'BLOB', one('float64', '0000000000000000')],
  ])('are not decoded: %s', async (_, type, batch) => {
    await expect(decode(batch, [type])).rejects.toThrow('The digits were not decoded.');
  });

  it.each([
    ['one too few', '0000000'],
    ['one too many', '000000000'],
    ['none', ''],
    ['what is no digit', '0000000g'],
    ['what is no digit first', '-0000001'],
  ])('are refused: %s', async (_, text) => {
    await expect(decode(one('date', text), ['DATE'])).rejects.toThrow('has not as many values');
  });
});
