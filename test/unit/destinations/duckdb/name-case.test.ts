/** A table whose name in the warehouse differs from before in its case only: to DuckDB it is the same. */
import type { DestinationTable } from '../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { Warehouse } from '../../../../src/destinations/duckdb/warehouse';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';
import type { TableState } from '../../../../src/model/sync-state';
import { withDestination } from '../../../helpers/duckdb-destination';

function table(name: string): DestinationTable {
  return {
    key: 'public.Foo',
    name,
    columns: [{ name: 'id', type: { kind: 'int32' } }],
    primaryKey: ['id'],
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
}

async function load(destination: DuckDbDestination, name: string, ids: string[], parts = 1): Promise<void> {
  await destination.beginLoad(table(name), { startedAt: new Date() }, false);
  const size = Math.ceil(ids.length / parts);
  for (let from = 0; from < ids.length; from += size) {
    const some = ids.slice(from, from + size);
    await destination.write(table(name), new PackedBatch(some.length, [packValues(some)]));
    if (parts > 1) await destination.commit();
  }
  await destination.finishLoad(table(name));
}

test.each([
  ['of one commit', 1],
  ['of several commits', 2],
])('a load %s keeps the rows that the source no longer has', async (_, parts) => {
  await withDestination(async (destination, warnings, path) => {
    await load(destination, 'Foo', ['1', '2', '3']);
    await destination.commit();
    await load(destination, 'foo', ['1', '2'], parts);
    await destination.commit();
    await destination.close();
    const warehouse = await Warehouse.open({ path, memoryBytes: 64_000_000, threads: 1, readOnly: true });
    expect(await warehouse.rows(`SELECT id, _fivetran_deleted FROM tester.foo ORDER BY id`)).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
    expect(await warehouse.rows(`SELECT table_name FROM duckdb_tables() WHERE schema_name = 'tester'`)).toEqual([
      ['foo'],
    ]);
    await warehouse.close();
    expect(warnings).toEqual([]);
  });
});

test('its state is still that of the table', async () => {
  const state = { destinationTable: 'foo', lastSyncedAt: 'some time', load: null } as unknown as TableState;
  await withDestination(async (destination, warnings) => {
    await load(destination, 'FOO', ['1']);
    await destination.putState('public.Foo', state);
    await destination.commit();
    await destination.close();
    expect((await destination.open()).get('public.Foo')).toEqual(state);
    expect(warnings).toEqual([]);
  });
});
