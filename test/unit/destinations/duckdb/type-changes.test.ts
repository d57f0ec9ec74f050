/** Columns that change their type while rows wait: held, staged in a pass over changes, or collected as keys. */
import type { DestinationTable } from '../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { Warehouse, type Scalar } from '../../../../src/destinations/duckdb/warehouse';
import type { ColumnType } from '../../../../src/model/column-type';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';
import { nativeColumnDecoder } from '../../../../src/native/column-decoder';
import { withDestination } from '../../../helpers/duckdb-destination';

const STAMP = { startedAt: new Date() };
const NUMERIC: ColumnType = { kind: 'decimal-unbounded' };
const LARGE = '123456789012345678901234567890';
/** With LARGE in one column, 50 digits: more than DECIMAL has. */
const FINE = '1.12345678901234567891';

/** Its columns are a, b, …; the first is the key. */
function tableOf(...types: readonly ColumnType[]): DestinationTable {
  return {
    key: 'public.t',
    name: 't',
    columns: types.map((type, index) => ({ name: 'abcd'.charAt(index), type })),
    primaryKey: ['a'],
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
}

const row = (...values: readonly string[]): PackedBatch =>
  new PackedBatch(
    1,
    values.map((value) => packValues([value])),
  );

async function load(destination: DuckDbDestination, table: DestinationTable, ...rows: PackedBatch[]): Promise<void> {
  await destination.beginLoad(table, STAMP, false);
  for (const batch of rows) await destination.write(table, batch);
  await destination.finishLoad(table);
  await destination.commit();
}

describe.each([
  ['with the addon', true],
  ['without the addon', false],
])('%s', (_how, native) => {
  /** The rows of the table after `action`, as texts. */
  async function rowsAfter(action: (destination: DuckDbDestination) => Promise<void>): Promise<Scalar[][]> {
    let rows: Scalar[][] = [];
    await withDestination(
      async (destination, _warnings, path) => {
        await action(destination);
        await destination.commit();
        await destination.close();
        const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1, readOnly: true });
        rows = await warehouse.rows(`SELECT columns(c -> NOT contains(c, 'sync'))::VARCHAR FROM tester.t ORDER BY ALL`);
        await warehouse.close();
      },
      native ? nativeColumnDecoder() : undefined,
    );
    return rows;
  }

  test('in a load, after many digits that wait', async () => {
    const table = tableOf({ kind: 'int32' }, NUMERIC);
    expect(await rowsAfter((destination) => load(destination, table, row('1', LARGE), row('2', FINE)))).toEqual([
      ['1', LARGE, 'false'],
      ['2', FINE, 'false'],
    ]);
  });

  test('in a pass over changes, after many digits that are staged', async () => {
    const table = tableOf({ kind: 'int32' }, NUMERIC);
    const rows = await rowsAfter(async (destination) => {
      await load(destination, table, row('0', '7'));
      await destination.beginChanges(table, STAMP);
      await destination.writeChanges(table, row('1', LARGE));
      await destination.writeChanges(table, row('2', FINE));
      await destination.finishChanges(table);
    });
    expect(rows).toEqual([
      ['0', '7', 'false'],
      ['1', LARGE, 'false'],
      ['2', FINE, 'false'],
    ]);
  });

  test('in a collection of keys that has the many digits alone', async () => {
    const table = tableOf(NUMERIC);
    const rows = await rowsAfter(async (destination) => {
      await destination.beginLoad(table, STAMP, false);
      await destination.write(table, row('5'));
      await destination.beginKeys(table);
      for (const key of [LARGE, FINE, '5']) await destination.collectKeys(table, row(key));
      expect(await destination.keepOnlyKeys(table)).toBe(0);
      await destination.finishLoad(table);
    });
    expect(rows).toEqual([['5', 'false']]);
  });

  // Else 1.5 and 1.50 are two keys.
  test.each([
    ['numeric', NUMERIC],
    ['numeric(5,2)', { kind: 'decimal', precision: 5, scale: 2 } as const],
  ])('a key of type %s that was staged before it became text has one text', async (_type, type) => {
    const table = tableOf(type, { kind: 'string' });
    const rows = await rowsAfter(async (destination) => {
      await load(destination, table, row('1.50', 'old'), row('2.25', 'old'));
      await destination.beginChanges(table, STAMP);
      await destination.writeChanges(table, row('1.50', 'new'));
      await destination.writeChanges(table, row('NaN', 'new'));
      await destination.writeChanges(table, row('2.25', 'newer'));
      await destination.finishChanges(table);
    });
    expect(rows).toEqual([
      ['1.5', 'new', 'false'],
      ['2.25', 'newer', 'false'],
      ['NaN', 'new', 'false'],
    ]);
  });

  test('a staged key, where a key that is collected changes the type', async () => {
    const table = tableOf(NUMERIC, { kind: 'string' });
    const rows = await rowsAfter(async (destination) => {
      await load(destination, table, row('1.5', 'old'), row('2.25', 'old'));
      await destination.beginChanges(table, STAMP);
      await destination.writeChanges(table, row('1.5', 'new'));
      await destination.beginKeys(table);
      for (const key of ['1.5', 'NaN']) await destination.collectKeys(table, row(key));
      expect(await destination.markMissing(table)).toBe(1);
      await destination.finishChanges(table);
    });
    expect(rows).toEqual([
      ['1.5', 'new', 'false'],
      ['2.25', 'old', 'true'],
    ]);
  });

  test('keys that are staged after a key that was collected changed the type', async () => {
    const table = tableOf(NUMERIC, { kind: 'string' });
    const rows = await rowsAfter(async (destination) => {
      await load(destination, table, row('1.50', 'old'), row('2.25', 'old'));
      await destination.beginChanges(table, STAMP);
      await destination.beginKeys(table);
      await destination.collectKeys(table, row('NaN'));
      await destination.writeChanges(table, row('1.50', 'new'));
      await destination.writeChanges(table, row('NaN', 'new'));
      await destination.finishChanges(table);
    });
    expect(rows).toEqual([
      ['1.5', 'new', 'false'],
      ['2.25', 'old', 'false'],
      ['NaN', 'new', 'false'],
    ]);
  });

  test('staged times, JSON and decimals, as PostgreSQL writes them', async () => {
    const decimal: ColumnType = { kind: 'decimal', precision: 2, scale: 2 };
    const table = tableOf({ kind: 'int32' }, { kind: 'timestamp' }, { kind: 'json' }, decimal);
    const rows = await rowsAfter(async (destination) => {
      await load(destination, table, row('0', '2020-01-01 00:00:00', '[1]', '0.25'));
      await destination.beginChanges(table, STAMP);
      await destination.writeChanges(table, row('1', '0044-03-15 10:00:00 BC', '"a\\n"', '-0.50'));
      await destination.writeChanges(table, row('2', '294276-01-01 00:00:00', '"\\ud800"', 'NaN'));
      await destination.finishChanges(table);
    });
    expect(rows).toEqual([
      ['0', '2020-01-01 00:00:00', '[1]', '0.25', 'false'],
      ['1', '0044-03-15 10:00:00 BC', '"a\\n"', '-0.50', 'false'],
      ['2', '294276-01-01 00:00:00', '"\\ud800"', 'NaN', 'false'],
    ]);
  });
});
