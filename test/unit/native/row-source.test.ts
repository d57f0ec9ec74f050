import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DuckDBDataChunk, DuckDBInstance, INTEGER, VARCHAR, type DuckDBConnection } from '@duckdb/node-api';
import type { ColumnDecoder, DecodedPart } from '../../../src/model/column-decoding';
import { nativeColumnDecoder } from '../../../src/native/column-decoder';

let instance: DuckDBInstance;
let connection: DuckDBConnection;
let decoder: ColumnDecoder;

beforeAll(async () => {
  const native = nativeColumnDecoder();
  if (native === undefined) throw new Error('The addon was not built.');
  decoder = native;
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
});

afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** A column of integers; a value that is undefined is NULL. */
function integers(values: readonly (number | undefined)[], signature = '4'): DecodedPart {
  const validityBytes = Math.ceil(values.length / 64) * 8;
  const arena = new ArrayBuffer(validityBytes + values.length * 4);
  const valid = new Uint8Array(arena);
  const numbers = new Int32Array(arena, validityBytes);
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue;
    valid[index >> 3] = (valid[index >> 3] ?? 0) | (1 << (index & 7));
    numbers[index] = value;
  }
  return { rowCount: values.length, signature, arena, places: new Float64Array([4, validityBytes, 0]) };
}

const open = (name: string): ReturnType<ColumnDecoder['registerRows']> =>
  decoder.registerRows(connection['connection'], name);

async function rowsOf(sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJS();
}

describe('a table function of decoded rows', () => {
  it('has the rows of all parts in their order, and their types', async () => {
    const source = open('rows_in_order');
    const many = Array.from({ length: 5000 }, (_, index) => (index % 7 === 0 ? undefined : index));
    source.use([integers(many), integers([1, undefined])]);
    expect((await rowsOf("SELECT c0 FROM rows_in_order('4')")).flat()).toEqual(
      [...many, 1, undefined].map((value) => value ?? null),
    );
    const columns = await rowsOf("DESCRIBE FROM rows_in_order('4;19:10:2;17:JSON;31')");
    expect(columns.map((column) => column.slice(0, 2))).toEqual([
      ['c0', 'INTEGER'],
      ['c1', 'DECIMAL(10,2)'],
      ['c2', 'JSON'],
      ['c3', 'TIMESTAMP WITH TIME ZONE'],
    ]);
  });

  it('has all of them in each scan of a statement', async () => {
    open('rows_scanned_twice').use([integers([1, 2, 3])]);
    const sql = "SELECT sum(a.c0 * b.c0)::INTEGER FROM rows_scanned_twice('4') a, rows_scanned_twice('4') b";
    expect(await rowsOf(sql)).toEqual([[36]]);
  });

  it('fails without rows, and with rows of other types', async () => {
    const source = open('rows_missing');
    await expect(rowsOf("FROM rows_missing('4')")).rejects.toThrow('A statement was run without its batch.');
    source.use([integers([1])]);
    await expect(rowsOf("FROM rows_missing('5')")).rejects.toThrow('A statement was run without its batch.');
    source.use([]);
    await expect(rowsOf("FROM rows_missing('4')")).rejects.toThrow('A statement was run without its batch.');
  });

  it('outlives what JavaScript holds of it, but for the rows', async () => {
    const rows = [integers([7])];
    open('rows_left').use(rows);
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    await expect(rowsOf("FROM rows_left('4')")).resolves.toEqual([[7]]);
    expect(rows).toHaveLength(1);
  });
});

describe('the addon called wrongly', () => {
  const part = integers([1]);

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['an object', () => ({})],
    ['a chunk', () => DuckDBDataChunk.create([INTEGER]).chunk],
  ])('does not take %s for a connection', (_what, value) => {
    expect(() => decoder.registerRows(value(), 'rows')).toThrow('does not know this version of DuckDB');
  });

  it('does not take a connection that was closed', async () => {
    const closed = await instance.connect();
    closed.closeSync();
    expect(() => decoder.registerRows(closed['connection'], 'rows')).toThrow('DuckDB did not take the table function');
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a part that is none', [null]],
    ['no rows', [{ ...part, rowCount: 0 }]],
    ['an arena that is none', [{ ...part, arena: new Uint8Array(64) }]],
    ['a signature that is none', [{ ...part, signature: 4 }]],
    ['places that are none', [{ ...part, places: [4, 0, -1] }]],
    ['more rows than the arena has', [{ ...part, rowCount: 4 }]],
    ['values behind the arena', [{ ...part, places: new Float64Array([4, 12, -1]) }]],
    ['a validity behind the arena', [{ ...part, places: new Float64Array([4, 0, 8]) }]],
    ['more columns than the signature has', [{ ...part, places: new Float64Array([4, 8, -1, 4, 8, -1]) }]],
    ['fewer columns than the signature has', [{ ...part, signature: '4;4' }]],
    ['half of a place', [{ ...part, places: new Float64Array([4, 8]) }]],
    ['a negative place', [{ ...part, places: new Float64Array([4, -4, -1]) }]],
    ['a place that is no number', [{ ...part, places: new Float64Array([4, Number.NaN, -1]) }]],
    ['values that are too wide', [{ ...part, places: new Float64Array([17, 0, -1]) }]],
  ])('does not take %s for parts', (_what, parts) => {
    expect(() => {
      open('rows_wrong').use(parts as readonly DecodedPart[]);
    }).toThrow('use(parts) was called wrongly');
  });

  it.each<[string, () => unknown, DecodedPart]>([
    ['a connection', (): unknown => connection['connection'], part],
    [
      'more rows than a vector has',
      () => DuckDBDataChunk.create([INTEGER]).chunk,
      integers(Array.from({ length: 2049 }, () => 1)),
    ],
    [
      'more columns than the chunk has',
      () => DuckDBDataChunk.create([VARCHAR], 1).chunk,
      { ...part, signature: '4;4', places: new Float64Array([4, 8, -1, 4, 8, -1]) },
    ],
  ])('does not fill a chunk with %s', (_what, chunk, rows) => {
    expect(() => {
      decoder.fillChunk(chunk(), rows);
    }).toThrow('fillChunk(chunk, part) was called wrongly');
  });
});
