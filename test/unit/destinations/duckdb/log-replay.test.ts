/** A process that dies between a commit and the next checkpoint leaves a log, which must bring everything back. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DestinationTable } from '../../../../src/destinations/destination';
import { Warehouse } from '../../../../src/destinations/duckdb/warehouse';
import type { ColumnType } from '../../../../src/model/column-type';
import { PackedBatch, packValues } from '../../../../src/model/packed-batch';
import { withDestination } from '../../../helpers/duckdb-destination';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What would be left of the warehouse if its process died now. */
function leftOf(path: string): string {
  const copy = join(folder, 'left.db');
  copyFileSync(path, copy);
  if (existsSync(`${path}.wal`)) copyFileSync(`${path}.wal`, `${copy}.wal`);
  return copy;
}

/** By DuckDB itself, as any other program would open it. */
async function rowsOf(path: string, sql: string): Promise<unknown> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRows();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

function table(type: ColumnType): DestinationTable {
  return {
    key: 'public.t',
    name: 't',
    columns: [
      { name: 'id', type: { kind: 'int32' } },
      { name: 'v', type },
    ],
    primaryKey: ['id'],
    keysMayRepeat: false,
    keepDeletedRows: true,
  };
}

const row = (id: string, value: string): PackedBatch => new PackedBatch(1, [packValues([id]), packValues([value])]);

const UTC: ColumnType = { kind: 'timestamptz' };
const TIMESTAMP: ColumnType = { kind: 'timestamp' };

test.each<[string, ColumnType, string, string]>([
  // After DuckDB's last.
  ['a timestamp', TIMESTAMP, '2020-01-01 00:00:00', '294276-01-01 00:00:00'],
  ['a timestamp with time zone', UTC, '2020-01-01 00:00:00+00', '294276-01-01 00:00:00+00'],
  ['a number', { kind: 'decimal', precision: 4, scale: 4 }, '0.5000', 'NaN'],
])('%s that does not fit its column, and the column becomes text', async (_what, type, before, after) => {
  await withDestination(async (destination, _warnings, path) => {
    await destination.beginLoad(table(type), { startedAt: new Date() }, false);
    await destination.write(table(type), row('1', before));
    await destination.commit();
    await destination.write(table(type), row('2', after));
    await destination.commit();
    // After it, the log goes on.
    await destination.write(table(type), row('3', before));
    await destination.commit();
    expect(await rowsOf(leftOf(path), 'SELECT id, typeof(v), v FROM tester._pgsluice_load_t ORDER BY id')).toEqual([
      [1, 'VARCHAR', before],
      [2, 'VARCHAR', after],
      [3, 'VARCHAR', before],
    ]);
  });
});

describe('a log that DuckDB cannot replay by itself', () => {
  async function leave(): Promise<string> {
    const path = join(folder, 'warehouse.db');
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run(
      `CREATE TABLE t (id INT, v TIMESTAMP); INSERT INTO t VALUES (1, '2020-01-01');
       ALTER TABLE t ALTER v TYPE VARCHAR USING replace(CAST(v AS VARCHAR), '-', '/'); INSERT INTO t VALUES (2, 'x')`,
    );
    const left = leftOf(path);
    connection.closeSync();
    instance.closeSync();
    return left;
  }
  const options = { memoryBytes: 64_000_000, threads: 1 };

  test('is replayed when the warehouse is opened', async () => {
    const path = await leave();
    await expect(rowsOf(path, 'FROM t')).rejects.toThrow(/replaying WAL/);
    const warehouse = await Warehouse.open({ path, ...options });
    expect(await warehouse.rows('SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, '2020/01/01 00:00:00'],
      [2, 'x'],
    ]);
    await warehouse.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('left'))).toEqual(['left.db']);
    expect(await rowsOf(path, 'SELECT count(*)::INT FROM t')).toEqual([[2]]);
  });

  test('is read, and left as it is, by those who only look', async () => {
    const path = await leave();
    const before = [path, `${path}.wal`].map((file) => readFileSync(file));
    const warehouse = await Warehouse.open({ path, ...options, readOnly: true });
    expect(await warehouse.rows('SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, '2020/01/01 00:00:00'],
      [2, 'x'],
    ]);
    await warehouse.close();
    expect([path, `${path}.wal`].map((file) => readFileSync(file))).toEqual(before);
  });

  test('is refused where it is damaged, and both files are left as they are', async () => {
    const path = await leave();
    const log = readFileSync(`${path}.wal`);
    const middle = Math.floor(log.length / 2);
    log.writeUInt8(log.readUInt8(middle) ^ 0xff, middle);
    writeFileSync(`${path}.wal`, log);
    const before = [path, `${path}.wal`].map((file) => readFileSync(file));
    await expect(Warehouse.open({ path, ...options })).rejects.toMatchObject({
      code: 'warehouse_log',
      hint: 'Keep both files, and let another "warehouse_path" have a new copy of everything.',
    });
    expect([path, `${path}.wal`].map((file) => readFileSync(file))).toEqual(before);
  });
});
