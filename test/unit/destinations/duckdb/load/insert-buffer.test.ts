import type { DestinationTable } from '../../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../../src/destinations/duckdb/destination';
import { Warehouse } from '../../../../../src/destinations/duckdb/warehouse';
import { KEPT_ARENA_BYTES, RowVectors } from '../../../../../src/destinations/duckdb/load/row-vectors';
import { PackedBatch, packValues } from '../../../../../src/model/packed-batch';
import { nativeColumnDecoder } from '../../../../../src/native/column-decoder';
import { withDestination } from '../../../../helpers/duckdb-destination';

const STAMP = { startedAt: new Date() };

function tableOf(name: string): DestinationTable {
  return {
    key: `public.${name}`,
    name,
    columns: [
      { name: 'id', type: { kind: 'int32' } },
      { name: 'at', type: { kind: 'timestamp' } },
      { name: 'n', type: { kind: 'decimal-unbounded' } },
    ],
    primaryKey: ['id'],
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
}

const TABLE = tableOf('t');
const AT = '2026-01-02 03:04:05';

function batchOf(from: number, rows: number, at: string | null = AT, n = '1'): PackedBatch {
  const of = (value: (row: number) => string | null): (string | null)[] =>
    Array.from({ length: rows }, (_, row) => value(from + row));
  return new PackedBatch(rows, [packValues(of(String)), packValues(of(() => at)), packValues(of(() => n))]);
}

/** Runs `action`; returns of how many batches each statement with vectors was, and how many were appended together. */
async function insertions(
  action: (destination: DuckDbDestination, path: string) => Promise<void>,
): Promise<(number | string)[]> {
  const statements = jest.spyOn(Warehouse.prototype, 'runWithRows');
  const appended = jest.spyOn(Warehouse.prototype, 'append');
  try {
    const decode = nativeColumnDecoder();
    if (decode === undefined) throw new Error('The addon was not built.');
    await withDestination((destination, _warnings, path) => action(destination, path), decode);
    const made = [
      ...statements.mock.calls.map(([, parts], call) => ({
        order: statements.mock.invocationCallOrder[call],
        parts: parts.length,
      })),
      ...appended.mock.calls.map(([, parts], call) => ({
        order: appended.mock.invocationCallOrder[call],
        parts: `${parts.length} appended`,
      })),
    ];
    return made.sort((one, other) => (one.order ?? 0) - (other.order ?? 0)).map(({ parts }) => parts);
  } finally {
    statements.mockRestore();
    appended.mockRestore();
  }
}

async function expectRows(destination: DuckDbDestination, rows: number, table = TABLE): Promise<void> {
  const spy = jest.spyOn(Warehouse.prototype, 'run');
  expect(await destination.finishLoad(table)).toEqual({ rows, deleted: 0 });
  await destination.commit();
  const warehouse = spy.mock.contexts[0] as Warehouse;
  spy.mockRestore();
  expect(await warehouse.rows(`SELECT count(*) FROM tester.${table.name}`)).toEqual([[BigInt(rows)]]);
}

it('batches are inserted together, the last ones at the end', async () => {
  const parts = await insertions(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    for (let batch = 0; batch < 11; batch += 1) await destination.write(TABLE, batchOf(batch * 1000, 1000));
    await expectRows(destination, 11_000);
  });
  expect(parts).toEqual([9, '2 appended']);
});

it('what waits is part of a commit', async () => {
  const parts = await insertions(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, batchOf(0, 100));
    await destination.commit();
    await destination.rollback();
    await destination.beginLoad(TABLE, STAMP, true);
    await expectRows(destination, 100);
  });
  expect(parts).toEqual(['1 appended']);
});

it('what waits is not there after a rollback', async () => {
  const parts = await insertions(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.commit();
    await destination.write(TABLE, batchOf(0, 100));
    await destination.rollback();
    await destination.beginLoad(TABLE, STAMP, true);
    await destination.write(TABLE, batchOf(0, 10));
    await expectRows(destination, 10);
  });
  // The table existed before, and may have other columns.
  expect(parts).toEqual([1]);
});

it('tables wait each for themselves', async () => {
  const other = tableOf('other');
  const parts = await insertions(async (destination) => {
    for (const table of [TABLE, other]) await destination.beginLoad(table, STAMP, false);
    for (let batch = 0; batch < 3; batch += 1)
      for (const table of [TABLE, other]) await destination.write(table, batchOf(batch * 10, 10));
    for (const table of [TABLE, other]) await expectRows(destination, 30, table);
  });
  expect(parts).toEqual(['3 appended', '3 appended']);
});

it('a batch with an unusual value is inserted by itself, in its turn', async () => {
  const parts = await insertions(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, batchOf(0, 10));
    await destination.write(TABLE, batchOf(10, 10, 'infinity'));
    await destination.write(TABLE, batchOf(20, 10));
    await expectRows(destination, 30);
  });
  expect(parts).toEqual(['1 appended', 1, '1 appended']);
});

it('what waits is inserted before its column changes its type', async () => {
  const parts = await insertions(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, batchOf(0, 10));
    await destination.write(TABLE, batchOf(10, 10, AT, '1.5'));
    await destination.write(TABLE, batchOf(20, 10, AT, '2.5'));
    await destination.write(TABLE, batchOf(30, 10, AT, 'NaN'));
    await expectRows(destination, 40);
  });
  // The batches that bring the change are text, and text is what the column is in the end.
  expect(parts).toEqual(['1 appended', 1, '1 appended', '1 appended']);
});

it('later versions of staged rows win, also of rows that waited together', async () => {
  const parts = await insertions(async (destination, path) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, batchOf(0, 3));
    await expectRows(destination, 3);
    await destination.beginChanges(TABLE, STAMP);
    for (const n of ['2', '3', '4']) await destination.writeChanges(TABLE, batchOf(1, 2, AT, n));
    expect(await destination.finishChanges(TABLE)).toEqual({ rows: 3, deleted: 0 });
    await destination.commit();
    await destination.close();
    const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1, readOnly: true });
    const rows = await warehouse.rows('SELECT id, CAST(n AS VARCHAR) FROM tester.t ORDER BY id');
    await warehouse.close();
    expect(rows).toEqual([
      [0, '1'],
      [1, '4'],
      [2, '4'],
    ]);
  });
  expect(parts).toEqual(['1 appended', 3]);
});

it('rows that are more than an arena holds are inserted as they come, and their memory is not kept', async () => {
  const spy = jest.spyOn(RowVectors.prototype, 'takeArena');
  try {
    const parts = await insertions(async (destination) => {
      await destination.beginLoad(TABLE, STAMP, false);
      await destination.write(TABLE, batchOf(0, 10));
      await destination.write(TABLE, batchOf(10, 300_000));
      await destination.write(TABLE, batchOf(400_000, 10));
      await expectRows(destination, 300_020);
    });
    expect(parts).toEqual(['1 appended', 1, '1 appended']);
    expect(spy.mock.calls.map(([bytes]) => bytes > KEPT_ARENA_BYTES)).toEqual([false, true, false]);
  } finally {
    spy.mockRestore();
  }
});

it.each([
  ['not for the first rows', 1, 0],
  ['for the second', 2, 1],
  ['once', 4, 1],
])('a statement is prepared %s', async (_when, groups, times) => {
  const spy = jest.spyOn(Warehouse.prototype, 'prepare');
  try {
    const parts = await insertions(async (destination) => {
      await destination.beginLoad(TABLE, STAMP, false);
      for (let group = 0; group < groups; group += 1) await destination.write(TABLE, batchOf(group * 9000, 9000));
      await expectRows(destination, groups * 9000);
    });
    expect(parts).toEqual(Array.from({ length: groups }, () => 1));
    expect(spy).toHaveBeenCalledTimes(times);
  } finally {
    spy.mockRestore();
  }
});
