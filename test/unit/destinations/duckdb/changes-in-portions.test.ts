/** A pass over changes puts its rows into the table in portions: the table is the same as if they came together. */
import { Warehouse } from '../../../../src/destinations/duckdb/warehouse';
import type { DestinationTable } from '../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { FILE_STORAGE } from '../../../../src/destinations/duckdb/storage';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';
import { withDestination } from '../../../helpers/duckdb-destination';

const TABLE: DestinationTable = {
  key: 'public.t',
  name: 't',
  columns: [
    { name: 'id', type: { kind: 'int32' } },
    { name: 'place', type: { kind: 'int32' } },
  ],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};
const PORTION = FILE_STORAGE.stagedRows;
const MORE = 1_000;

/** Rows from `first` on, each at the place `placeOf`. */
function rows(first: number, count: number, placeOf: (id: number) => number): PackedBatch {
  const ids = Array.from({ length: count }, (_, index) => first + index);
  const columns = [ids, ids.map(placeOf)].map((values) => packValues(values.map(String)));
  return new PackedBatch(count, columns);
}

async function load(destination: DuckDbDestination, batch: PackedBatch): Promise<void> {
  await destination.beginLoad(TABLE, { startedAt: new Date() }, false);
  await destination.write(TABLE, batch);
  await destination.finishLoad(TABLE);
  await destination.commit();
}

/** Changes rows from `first` on, or adds them, all at one place. */
async function change(destination: DuckDbDestination, first: number, count: number, place: number): Promise<void> {
  await destination.writeChanges(
    TABLE,
    rows(first, count, () => place),
  );
}

/** A statement in the open file, as somebody would run it between two syncs. */
async function inFile(path: string, sql: string): Promise<unknown[][]> {
  const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1 });
  try {
    return await warehouse.rows(sql);
  } finally {
    await warehouse.close();
  }
}

const CONTENT = 'SELECT count(*)::INTEGER, sum(place)::DOUBLE, max(place) FROM tester.t WHERE NOT _fivetran_deleted';

test('a portion reaches the table before the pass ends, the rest when it does', async () => {
  await withDestination(async (destination) => {
    await load(
      destination,
      rows(0, 10, () => 0),
    );
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    await change(destination, 5, PORTION, 1);
    await change(destination, 5 + PORTION, MORE, 1);
    await destination.commit();
    await destination.rollback();
    expect(await destination.countRows([TABLE])).toEqual([5 + PORTION]);
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    await change(destination, 5, PORTION, 1);
    await change(destination, 5 + PORTION, MORE, 1);
    expect(await destination.finishChanges(TABLE)).toEqual({ rows: 5 + PORTION + MORE, deleted: 0 });
  });
});

test('of a key that comes again the last version counts, in the same portion and in a later one', async () => {
  await withDestination(async (destination, _, path) => {
    await load(
      destination,
      rows(0, PORTION, () => 0),
    );
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    await change(destination, 0, PORTION / 2, 1);
    await change(destination, 0, PORTION / 2, 2);
    await change(destination, 0, MORE, 3);
    await change(destination, 0, MORE / 2, 4);
    expect(await destination.finishChanges(TABLE)).toEqual({ rows: PORTION, deleted: 0 });
    await destination.commit();
    await destination.close();
    expect(await inFile(path, CONTENT)).toEqual([[PORTION, (PORTION / 2) * 2 + (MORE / 2) * (1 + 2), 4]]);
  });
});

test('portions are taken back together', async () => {
  await withDestination(async (destination, _, path) => {
    await load(
      destination,
      rows(0, PORTION, () => 0),
    );
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    for (const place of [1, 2]) await change(destination, 0, PORTION, place);
    await destination.rollback();
    await destination.close();
    expect(await inFile(path, CONTENT)).toEqual([[PORTION, 0, 0]]);
  });
});

test('under an index of unique values all rows go together, as one may make room for another', async () => {
  await withDestination(async (destination, _, path) => {
    await load(
      destination,
      rows(0, 10, () => 0),
    );
    await destination.close();
    await inFile(path, 'CREATE UNIQUE INDEX ids ON tester.t (id)');
    await destination.open();
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    await change(destination, 10, PORTION, 1);
    await destination.commit();
    await destination.rollback();
    expect(await destination.countRows([TABLE])).toEqual([10]);
  });
});

test('a row whose key is given twice is marked deleted once', async () => {
  await withDestination(async (destination) => {
    await load(
      destination,
      rows(0, 10, () => 0),
    );
    const keys = (...values: number[]): PackedBatch => new PackedBatch(values.length, [packValues(values.map(String))]);
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    expect(await destination.markDeleted(TABLE, [keys(3, 4, 99), keys(3)])).toBe(2);
    expect(await destination.markDeleted(TABLE, [keys(3, 5)])).toBe(1);
    expect(await destination.finishChanges(TABLE)).toEqual({ rows: 7, deleted: 0 });
  });
});
