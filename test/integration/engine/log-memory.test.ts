/** A sync in mode log tells V8's heap (common/heap-growth) of the log that it reads, beside the rows. */
import { HeapGrowth } from '../../../src/common/heap-growth';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { dropSlot, setUpLog, startLogServer } from '../../helpers/log-server';
import { createDatabase, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  server = await startLogServer();
  database = await createDatabase({ server });
});
afterAll(async () => {
  await dropSlot(database);
  await database.drop();
  await server.close();
});

test('bytes of the log count, and rows of many keys arrive', async () => {
  const rows = 30_000;
  await database.client.query(
    `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, ${rows}) i; ANALYZE t`,
  );
  await setUpLog(database);
  for (let pass = 0; pass < 2; pass += 1) await sync(database, { syncMode: 'log' });
  await database.client.query("UPDATE t SET v = 'w'");
  const written = jest.spyOn(HeapGrowth.prototype, 'written');
  try {
    const { report, failures } = await sync(database, { syncMode: 'log' });
    expect(failures).toEqual({});
    expect(report.rows).toBe(rows);
    const told = written.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0);
    // Each change takes more than 20 bytes of the log.
    expect(told - report.bytes).toBeGreaterThan(rows * 20);
  } finally {
    written.mockRestore();
  }
  expect(
    await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
    ),
  ).toEqual(same(rows));
});
