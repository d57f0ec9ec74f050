/** Rows stay in memory until their row group is full: how large it may be decides what long texts cost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { ROW_GROUP_ROWS, Warehouse } from '../../../../src/destinations/duckdb/warehouse';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-row-groups-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const OPTIONS = { memoryBytes: 64_000_000, threads: 1 };

/** By DuckDB itself, whose row groups are of another size. */
async function withFile(path: string, action: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    await action(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function withWarehouse(path: string, action: (warehouse: Warehouse) => Promise<void>): Promise<void> {
  const warehouse = await Warehouse.open({ path, ...OPTIONS });
  try {
    await action(warehouse);
  } finally {
    await warehouse.close();
  }
}

const CONTENT = 'SELECT count(*)::INT, sum(id)::BIGINT, md5(string_agg(v, chr(10) ORDER BY id)) FROM t';
const ROW_GROUPS = "SELECT DISTINCT row_group_id::INT AS g FROM pragma_storage_info('t') ORDER BY g";

test('new rows come in row groups of that size', async () => {
  const path = join(folder, 'warehouse.db');
  await withWarehouse(path, async (warehouse) => {
    await warehouse.run(`CREATE TABLE t AS SELECT i AS id, 'v' || i AS v FROM range(${2 * ROW_GROUP_ROWS + 1}) r(i)`);
    await warehouse.run('CHECKPOINT');
    expect(await warehouse.rows(ROW_GROUPS)).toEqual([[0], [1], [2]]);
  });
});

test('a table with row groups of both sizes is read, changed and added to from both sides', async () => {
  const path = join(folder, 'warehouse.db');
  const expected = await DuckDBInstance.create(':memory:');
  const same = await expected.connect();
  const steps = [
    // As a file of before: one row group of 100,000 rows, of which some behind the first 30,720 are deleted.
    "CREATE TABLE t AS SELECT i AS id, 'v' || i AS v FROM range(100000) r(i)",
    'DELETE FROM t WHERE id % 7 = 0 AND id > 60000',
    "INSERT INTO t SELECT i, 'w' || i FROM range(100000, 150000) r(i)",
    "UPDATE t SET v = 'u' || id WHERE id BETWEEN 99000 AND 101000",
    'DELETE FROM t WHERE id % 11 = 0 AND id > 20000',
    "INSERT INTO t SELECT i, 'x' || i FROM range(150000, 200000) r(i)",
    "UPDATE t SET v = 'y' || id WHERE id % 13 = 0",
    'ALTER TABLE t ADD COLUMN more INT',
  ];
  for (const [index, step] of steps.entries()) {
    await same.run(step);
    const content = (await same.runAndReadAll(CONTENT)).getRows();
    if (index % 2 === 0)
      await withFile(path, async (connection) => {
        await connection.run(step);
        expect((await connection.runAndReadAll(CONTENT)).getRows()).toEqual(content);
      });
    else
      await withWarehouse(path, async (warehouse) => {
        await warehouse.run(step);
        expect(await warehouse.rows(CONTENT)).toEqual(content);
      });
  }
  same.closeSync();
  expected.closeSync();
});

test('a reader that adds a row merges the row groups, and the warehouse goes on', async () => {
  const path = join(folder, 'warehouse.db');
  const rows = 3 * ROW_GROUP_ROWS;
  await withWarehouse(path, async (warehouse) => {
    await warehouse.run(`CREATE TABLE t AS SELECT i AS id, 'v' || i AS v FROM range(${rows}) r(i)`);
  });
  await withFile(path, async (connection) => {
    await connection.run(`INSERT INTO t VALUES (${rows}, 'mine')`);
    await connection.run('CHECKPOINT');
    // DuckDB's own size of a row group is 122,880 rows.
    expect((await connection.runAndReadAll(ROW_GROUPS)).getRows()).toEqual([[0]]);
  });
  await withWarehouse(path, async (warehouse) => {
    await warehouse.run('BEGIN TRANSACTION');
    expect(await warehouse.changeRows('t', `DELETE FROM t WHERE id = ${rows} OR id % 10 = 0`)).toBe(rows / 10 + 1);
    await warehouse.run(`INSERT INTO t SELECT i * 10, 'v' || i * 10 FROM range(${rows / 10}) r(i)`);
    await warehouse.endTransaction('COMMIT');
    await warehouse.run('CHECKPOINT');
    const [content] = await warehouse.rows(CONTENT);
    const [same] = await warehouse.rows(
      CONTENT.replace('FROM t', `FROM (SELECT i AS id, 'v' || i AS v FROM range(${rows}) r(i))`),
    );
    expect(content).toEqual(same);
  });
});

test('a schema may have the name of the file', async () => {
  await withWarehouse(join(folder, 'sales.db'), async (warehouse) => {
    await warehouse.run('CREATE SCHEMA "sales"; CREATE TABLE "sales"."t" (id INT); INSERT INTO "sales"."t" VALUES (1)');
    expect(await warehouse.rows('FROM "sales"."t"')).toEqual([[1]]);
  });
});
