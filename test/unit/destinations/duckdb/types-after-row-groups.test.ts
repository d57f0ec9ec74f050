/** A column that changes its type, or is added, after row groups of the same transaction were filled. */
import type { DestinationTable } from '../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { ROW_GROUP_ROWS, Warehouse, type Scalar } from '../../../../src/destinations/duckdb/warehouse';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';
import { nativeColumnDecoder } from '../../../../src/native/column-decoder';
import { withDestination } from '../../../helpers/duckdb-destination';

const STAMP = { startedAt: new Date() };
const TABLE: DestinationTable = {
  key: 'public.t',
  name: 't',
  columns: [
    { name: 'id', type: { kind: 'int32' } },
    { name: 'amount', type: { kind: 'decimal-unbounded' } },
  ],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};
const WITH_NOTE: DestinationTable = {
  ...TABLE,
  columns: [...TABLE.columns, { name: 'note', type: { kind: 'string' } }],
};
/** More than a row group, and no multiple of one. */
const MANY = ROW_GROUP_ROWS + 4_000;

function batch(first: number, count: number, ...values: readonly string[]): PackedBatch {
  const ids = Array.from({ length: count }, (_, index) => String(first + index));
  return new PackedBatch(count, [packValues(ids), ...values.map((value) => packValues(ids.map(() => value)))]);
}

describe.each([
  ['with the addon', true],
  ['without the addon', false],
])('%s', (_how, native) => {
  async function contentAfter(
    sql: string,
    action: (destination: DuckDbDestination) => Promise<void>,
  ): Promise<Scalar[][]> {
    let rows: Scalar[][] = [];
    await withDestination(
      async (destination, _warnings, path) => {
        await action(destination);
        await destination.commit();
        await destination.close();
        const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1, readOnly: true });
        rows = await warehouse.rows(sql);
        await warehouse.close();
      },
      native ? nativeColumnDecoder() : undefined,
    );
    return rows;
  }

  const AMOUNTS = 'SELECT amount::VARCHAR a, count(*)::INT, min(id), max(id) FROM tester.t GROUP BY 1 ORDER BY min(id)';

  test.each([
    ['a longer fraction', '0.25', ['1.50', '0.25', '3.50']],
    ['NaN', 'NaN', ['1.5', 'NaN', '3.5']],
  ])(
    '%s, with more row groups behind it: every row arrives',
    async (_what, other, [before = '', at = '', after = '']) => {
      const rows = await contentAfter(AMOUNTS, async (destination) => {
        await destination.beginLoad(TABLE, STAMP, false);
        await destination.write(TABLE, batch(1, MANY, '1.5'));
        await destination.write(TABLE, batch(MANY + 1, 1, other));
        await destination.write(TABLE, batch(MANY + 2, 2 * MANY, '3.5'));
        expect((await destination.finishLoad(TABLE)).rows).toBe(3 * MANY + 1);
      });
      expect(rows).toEqual([
        [before, MANY, 1, MANY],
        [at, 1, MANY + 1, MANY + 1],
        [after, 2 * MANY, MANY + 2, 3 * MANY + 1],
      ]);
    },
  );

  test('in a pass over changes: every row arrives', async () => {
    const rows = await contentAfter(AMOUNTS, async (destination) => {
      await destination.beginLoad(TABLE, STAMP, false);
      await destination.write(TABLE, batch(0, 1, '1'));
      await destination.finishLoad(TABLE);
      await destination.commit();
      await destination.beginChanges(TABLE, STAMP);
      await destination.writeChanges(TABLE, batch(1, MANY, '1.5'));
      await destination.applyChanges(TABLE);
      await destination.writeChanges(TABLE, batch(MANY + 1, MANY, '0.25'));
      await destination.finishChanges(TABLE);
    });
    expect(rows).toEqual([
      ['1.00', 1, 0, 0],
      ['1.50', MANY, 1, MANY],
      ['0.25', MANY, MANY + 1, 2 * MANY],
    ]);
  });

  test('a column that the source dropped, and rows that it deleted: both stay', async () => {
    const sql = 'SELECT _fivetran_deleted, note, count(*)::INT FROM tester.t GROUP BY ALL ORDER BY ALL';
    const rows = await contentAfter(sql, async (destination) => {
      await destination.beginLoad(WITH_NOTE, STAMP, false);
      await destination.write(WITH_NOTE, batch(1, 2 * MANY, '1', 'kept'));
      await destination.finishLoad(WITH_NOTE);
      await destination.commit();
      await destination.beginLoad(TABLE, STAMP, false);
      await destination.write(TABLE, batch(1, MANY, '1'));
      expect((await destination.finishLoad(TABLE)).deleted).toBe(MANY);
    });
    expect(rows).toEqual([
      [false, null, MANY],
      [true, 'kept', MANY],
    ]);
  });
});
