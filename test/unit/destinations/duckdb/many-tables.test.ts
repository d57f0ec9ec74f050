import { ConnectorError } from '../../../../src/common/errors';
import type { DestinationTable } from '../../../../src/destinations/destination';
import type { DuckDbDestination } from '../../../../src/destinations/duckdb/destination';
import { Warehouse } from '../../../../src/destinations/duckdb/warehouse';
import { PackedBatch, PackedColumn, SEPARATOR } from '../../../../src/model/packed-batch';
import { withDestination } from '../../../helpers/duckdb-destination';

const ROWS = 10;
const TABLES = 3_000;
/** As the writer commits small tables. */
const TABLES_PER_COMMIT = 500;

const COLUMNS: readonly [name: string, kind: 'int32' | 'string' | 'float64', text: (row: number) => string][] = [
  ['id', 'int32', (row) => `${row}`],
  ['name', 'string', (row) => `name ${row}`],
  ['amount', 'float64', (row) => `${row / 4}`],
  ['note', 'string', (row) => `note ${row}`],
];
const TEXTS = COLUMNS.map(([, , text]) => Array.from({ length: ROWS }, (_, row) => text(row)).join(SEPARATOR));
const BATCH = new PackedBatch(
  ROWS,
  TEXTS.map((text) => new PackedColumn(text, ROWS, true)),
  TEXTS.join('').length,
);

function tableOf(number: number): DestinationTable {
  return {
    key: `public.t${number}`,
    name: `t${number}`,
    columns: COLUMNS.map(([name, kind]) => ({ name, type: { kind } })),
    primaryKey: ['id'],
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
}

async function load(destination: DuckDbDestination, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 1) {
    const table = tableOf(number);
    await destination.beginLoad(table, { startedAt: new Date() }, false);
    await destination.write(table, BATCH);
    expect(await destination.finishLoad(table)).toEqual({ rows: ROWS, deleted: 0 });
  }
  await destination.commit();
}

// Without a checkpoint now and then DuckDB's memory ended at about the 2,500th.
test('memory does not grow with the tables that were committed', async () => {
  await withDestination(async (destination, warnings) => {
    for (let from = 1; from <= TABLES; from += TABLES_PER_COMMIT)
      await load(destination, from, from + TABLES_PER_COMMIT - 1);
    expect(warnings).toEqual([]);
  });
});

test('a checkpoint that fails is no failed commit, and is made after the next one', async () => {
  const { run } = Warehouse.prototype as unknown as {
    readonly run: (this: Warehouse, sql: string) => Promise<number>;
  };
  let attempts = 0;
  const spy = jest.spyOn(Warehouse.prototype, 'run').mockImplementation(async function (this: Warehouse, sql) {
    if (sql === 'CHECKPOINT') {
      attempts += 1;
      if (attempts === 1) throw new ConnectorError('No room.', { code: 'warehouse_write', kind: 'destination' });
    }
    return await run.call(this, sql);
  });
  try {
    await withDestination(async (destination, warnings) => {
      // So many columns are as many as are held before a checkpoint is asked for.
      await load(destination, 1, 600);
      expect(warnings).toEqual([expect.stringMatching(/^DuckDB could not make a checkpoint: No room/)]);
      await load(destination, 601, 602);
      await load(destination, 603, 604);
      expect(attempts).toBe(2);
      expect(warnings).toHaveLength(1);
    });
  } finally {
    spy.mockRestore();
  }
});
