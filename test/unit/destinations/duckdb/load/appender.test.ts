import { DuckDBAppender } from '@duckdb/node-api';
import type { DestinationTable } from '../../../../../src/destinations/destination';
import { Warehouse } from '../../../../../src/destinations/duckdb/warehouse';
import type { ColumnType } from '../../../../../src/model/column-type';
import { PackedBatch, PackedColumn, packValues } from '../../../../../src/model/packed-batch';
import { nativeColumnDecoder } from '../../../../../src/native/column-decoder';
import { withDestination } from '../../../../helpers/duckdb-destination';

const STAMP = { startedAt: new Date('2026-03-04T05:06:07.089Z') };

const COLUMNS: readonly (readonly [ColumnType, readonly (string | null)[]])[] = [
  [{ kind: 'int32' }, ['1', '-2147483648', '2147483647']],
  [{ kind: 'int16' }, ['-32768', null, '32767']],
  [{ kind: 'int64' }, ['-9223372036854775808', '9223372036854775807', null]],
  [{ kind: 'boolean' }, ['t', 'f', null]],
  [{ kind: 'float32' }, ['0.1', '-0', null]],
  [{ kind: 'float64' }, ['1e-300', null, '-0.30000000000000004']],
  [{ kind: 'decimal', precision: 10, scale: 2 }, ['-12345678.90', '0.05', null]],
  [{ kind: 'decimal', precision: 38, scale: 9 }, ['-12345678901234567890123456789.123456789', null, '1.5']],
  [{ kind: 'date' }, ['0001-01-01', '9999-12-31', null]],
  [{ kind: 'timestamp' }, ['2026-01-02 03:04:05.678901', null, '1969-12-31 23:59:59.999999']],
  [{ kind: 'timestamptz' }, ['2026-01-02 03:04:05.678901+00', '1900-01-01 00:00:00+00', null]],
  [{ kind: 'string' }, ['', 'a text that is longer than twelve bytes, with a ü', null]],
  [{ kind: 'binary' }, ['\\x', '\\x00ff5c78', null]],
];

function tableOf(types: readonly ColumnType[]): DestinationTable {
  const columns = types.map((type, index) => ({ name: `c${index}`, type }));
  return { key: 'public.t', name: 't', columns, primaryKey: ['c0'], keysMayRepeat: false, keepDeletedRows: true };
}

/** The table's rows as text after a load of the batches, their types, and how often rows were appended. */
async function loaded(
  table: DestinationTable,
  batches: readonly PackedBatch[],
  decoder: ReturnType<typeof nativeColumnDecoder>,
): Promise<{ rows: unknown[][]; types: unknown; appends: number }> {
  const appended = jest.spyOn(Warehouse.prototype, 'append');
  const result = { rows: [] as unknown[][], types: undefined as unknown, appends: 0 };
  await withDestination(async (destination, _warnings, path) => {
    await destination.beginLoad(table, STAMP, false);
    for (const batch of batches) await destination.write(table, batch);
    const rows = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    expect(await destination.finishLoad(table)).toMatchObject({ rows, deleted: 0 });
    await destination.commit();
    await destination.close();
    const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1, readOnly: true });
    result.types = await warehouse.columnsOf('tester.t');
    result.rows = await warehouse.rows('SELECT CAST(COLUMNS(*) AS VARCHAR) FROM tester.t ORDER BY rowid');
    await warehouse.close();
  }, decoder);
  result.appends = appended.mock.calls.length;
  appended.mockRestore();
  return result;
}

it('rows that are appended are those that a statement inserts, of every type', async () => {
  const decode = nativeColumnDecoder();
  if (decode === undefined) throw new Error('The addon was not built.');
  const table = tableOf(COLUMNS.map(([type]) => type));
  const batch = new PackedBatch(
    3,
    COLUMNS.map(([, values]) => packValues(values)),
  );
  const appended = await loaded(table, [batch], decode);
  const inserted = await loaded(table, [batch], undefined);
  expect([appended.appends, inserted.appends]).toEqual([1, 0]);
  expect(appended.rows).toHaveLength(3);
  expect(appended.rows).toEqual(inserted.rows);
  expect(appended.types).toEqual(inserted.types);
  // The stamp, which has other ways into an appended row.
  expect(appended.rows[2]?.slice(-3)).toEqual(['1772600767.089', '2026-03-04 05:06:07.089+00', 'false']);
});

it('JSON that is known to be JSON is appended, other text goes through a statement that looks at it', async () => {
  const decode = nativeColumnDecoder();
  const table = tableOf([{ kind: 'int32' }, { kind: 'json' }]);
  const json = '{"a": [1, "ü"]}';
  for (const known of [true, false]) {
    const column = new PackedColumn(json, 1, true, 'plain', known ? { json: true } : {});
    const { rows, appends } = await loaded(table, [new PackedBatch(1, [packValues(['1']), column])], decode);
    expect(rows[0]?.[1]).toBe(json);
    expect(appends).toBe(known ? 1 : 0);
  }
});

it('a decimal key that is kept as text has one text for each number', async () => {
  const decode = nativeColumnDecoder();
  const table = tableOf([{ kind: 'decimal', precision: 20, scale: 5 }]);
  // The first makes the column text.
  const batches = ['NaN', '1.50000'].map((key) => new PackedBatch(1, [packValues([key])]));
  for (const decoder of [decode, undefined])
    expect((await loaded(table, batches, decoder)).rows.map(([key]) => key)).toEqual(['NaN', '1.5']);
});

it('a key that is NULL is refused in one sentence, and nothing of it comes later', async () => {
  const table = tableOf([{ kind: 'int32' }]);
  const cleared = jest.spyOn(DuckDBAppender.prototype, 'clear');
  const batchOf = (...values: (string | null)[]): PackedBatch => new PackedBatch(values.length, [packValues(values)]);
  await withDestination(async (destination) => {
    await destination.beginLoad(table, STAMP, false);
    await destination.write(table, batchOf('1', null));
    await expect(destination.finishLoad(table)).rejects.toMatchObject({
      kind: 'source',
      message: 'A value does not fit the warehouse: NOT NULL constraint failed: t.c0.',
    });
    // Or the rows would be tried again when V8 collects the appender.
    expect(cleared).toHaveBeenCalledTimes(1);
    cleared.mockRestore();
    await destination.rollback();
    await destination.beginLoad(table, STAMP, false);
    await destination.write(table, batchOf('2'));
    expect(await destination.finishLoad(table)).toMatchObject({ rows: 1, deleted: 0 });
    await destination.commit();
  }, nativeColumnDecoder());
});

it('a table without columns of its own, or without rows, is made as well', async () => {
  for (const [types, batch] of [
    [[{ kind: 'int32' }] as ColumnType[], new PackedBatch(0, [packValues([])])],
    [[] as ColumnType[], new PackedBatch(2, [])],
  ] as const) {
    const table = { ...tableOf(types), primaryKey: types.length === 0 ? [] : ['c0'] };
    const { rows } = await loaded(table, [batch], nativeColumnDecoder());
    expect(rows).toHaveLength(batch.rowCount);
  }
});
