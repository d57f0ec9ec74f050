import type { DestinationTable } from '../../../../src/destinations/destination';
import { PackedBatch, PackedColumn, SEPARATOR } from '../../../../src/model/packed-batch';
import { withDestination } from '../../../helpers/duckdb-destination';

const TABLE: DestinationTable = {
  key: 'public.t',
  name: 't',
  columns: [{ name: 'id', type: { kind: 'int32' } }],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};

const ids = (...values: number[]): PackedBatch => {
  const text = values.join(SEPARATOR);
  return new PackedBatch(values.length, [new PackedColumn(text, values.length, false)], text.length);
};

test('a new collection of keys forgets what an attempt before it collected, committed or not', async () => {
  await withDestination(async (destination) => {
    await destination.beginLoad(TABLE, { startedAt: new Date() }, false);
    await destination.write(TABLE, ids(1, 2, 3));
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(1, 2, 3));
    await destination.commit();
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(1, 3));
    expect(await destination.keepOnlyKeys(TABLE)).toBe(1);
    expect(await destination.finishLoad(TABLE)).toEqual({ rows: 2, deleted: 0 });
    await destination.commit();
    await destination.beginChanges(TABLE, { startedAt: new Date() });
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(1, 3));
    await destination.beginKeys(TABLE);
    await destination.collectKeys(TABLE, ids(3));
    expect(await destination.markMissing(TABLE)).toBe(1);
  });
});

test('keys that do not arrive end the pass: their rows would be taken for deleted', async () => {
  await withDestination(async (destination) => {
    await destination.beginLoad(TABLE, { startedAt: new Date() }, false);
    await destination.write(TABLE, ids(1, 2, 3));
    await destination.beginKeys(TABLE);
    const two = new PackedBatch(3, ids(1, 2).columns);
    await expect(destination.collectKeys(TABLE, two)).rejects.toThrow('The warehouse took 2 of 3 rows of public.t.');
  });
});
