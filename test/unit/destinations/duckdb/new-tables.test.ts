/** The name under which a load's table is made, and that no table of another name stays behind. */
import type { DestinationTable } from '../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { Warehouse } from '../../../../src/destinations/duckdb/warehouse';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';
import { nativeColumnDecoder } from '../../../../src/native/column-decoder';
import { withDestination } from '../../../helpers/duckdb-destination';

const STAMP = { startedAt: new Date() };
const TABLE: DestinationTable = {
  key: 'public.t',
  name: 't',
  columns: [{ name: 'id', type: { kind: 'int32' } }],
  primaryKey: ['id'],
  keysMayRepeat: false,
  keepDeletedRows: true,
};
const row = (id: number): PackedBatch => new PackedBatch(1, [packValues([String(id)])]);

/** Runs `action` and commits; returns the names of the tables that were made, and of those that are there in the end. */
async function tablesOf(
  action: (destination: DuckDbDestination) => Promise<void>,
): Promise<{ made: string[]; left: unknown[] }> {
  const spy = jest.spyOn(Warehouse.prototype, 'run');
  const result = { made: [] as string[], left: [] as unknown[] };
  try {
    await withDestination(async (destination, _warnings, path) => {
      await action(destination);
      await destination.commit();
      await destination.close();
      const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1, readOnly: true });
      const tables = await warehouse.rows(
        `SELECT table_name FROM duckdb_tables() WHERE schema_name = 'tester' ORDER BY 1`,
      );
      await warehouse.close();
      result.left = tables.map(([name]) => name);
    }, nativeColumnDecoder());
    result.made = spy.mock.calls.flatMap(
      ([sql]) => /^CREATE OR REPLACE TABLE "tester"\."([^"]+)"/.exec(sql)?.[1] ?? [],
    );
    return result;
  } finally {
    spy.mockRestore();
  }
}

it('a new table that comes whole is made under its own name', async () => {
  const tables = await tablesOf(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, row(1));
    expect(await destination.finishLoad(TABLE)).toEqual({ rows: 1, deleted: 0 });
  });
  expect(tables).toEqual({ made: ['t'], left: ['t'] });
});

it('one whose load is committed in between is made beside it, also before its first row', async () => {
  const tables = await tablesOf(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.commit();
    await destination.write(TABLE, row(1));
    expect(await destination.finishLoad(TABLE)).toEqual({ rows: 1, deleted: 0 });
  });
  expect(tables).toEqual({ made: ['_pgsluice_load_t'], left: ['t'] });
});

it('so is one that is there already', async () => {
  const tables = await tablesOf(async (destination) => {
    for (const id of [1, 2]) {
      await destination.beginLoad(TABLE, STAMP, false);
      await destination.write(TABLE, row(id));
      expect(await destination.finishLoad(TABLE)).toEqual({ rows: 1, deleted: id - 1 });
      await destination.commit();
    }
  });
  expect(tables).toEqual({ made: ['t', '_pgsluice_load_t'], left: ['t'] });
});

it('what an abandoned load has committed is replaced by the next one', async () => {
  const tables = await tablesOf(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, row(1));
    await destination.commit();
    await destination.rollback();
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, row(2));
    expect(await destination.finishLoad(TABLE)).toEqual({ rows: 1, deleted: 0 });
  });
  expect(tables).toEqual({ made: ['_pgsluice_load_t', '_pgsluice_load_t'], left: ['t'] });
});

it('a rollback takes a table with it that was made under its own name', async () => {
  const tables = await tablesOf(async (destination) => {
    await destination.beginLoad(TABLE, STAMP, false);
    await destination.write(TABLE, row(1));
    await destination.finishLoad(TABLE);
    await destination.rollback();
  });
  expect(tables).toEqual({ made: ['t'], left: [] });
});
