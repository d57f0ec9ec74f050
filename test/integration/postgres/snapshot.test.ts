import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { openSource } from '../../../src/app/source-connection';
import type { TableSchema } from '../../../src/model/table';
import { discover } from '../../../src/postgres/catalog/catalog';
import { TableSnapshot } from '../../../src/engine/passes/table-snapshot';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

const ACCOUNTS = 20_000;
const TABLE = { schema: 'public', name: 'account' };
/** Many batches, few of them ahead of the writer, so that a test can act in the middle of the reading. */
const SLOWLY = { customBatchSize: 500, customQueueSize: 500 };

/** Money changes hands all over the table; rows move, as updated rows do, into free space and to its end. */
const TRANSFER = `
  WITH pair AS (SELECT (random() * ${ACCOUNTS - 1})::int + 1 AS giver, (random() * ${ACCOUNTS - 1})::int + 1 AS taker, (random() * 100)::int AS sum
                FROM generate_series(1, 50)),
       change AS (SELECT id, sum(amount) AS amount FROM (
                    SELECT giver AS id, -sum AS amount FROM pair UNION ALL SELECT taker, sum FROM pair) AS moves GROUP BY id)
  UPDATE account SET balance = balance + change.amount, note = repeat('x', (random() * 200)::int) FROM change WHERE account.id = change.id`;

/** Everything that can happen to rows: new ones, changed, moved to another page, deleted, back again, renamed. */
const UPHEAVAL = `
  DELETE FROM account WHERE id % 97 = (random() * 96)::int;
  INSERT INTO account SELECT DISTINCT (random() * ${ACCOUNTS * 2})::int, 1, 'new' FROM generate_series(1, 300) ON CONFLICT (id) DO UPDATE SET note = 'met again';
  UPDATE account SET note = repeat('moved', (random() * 60)::int), balance = balance + 1 WHERE id % 53 = (random() * 52)::int;
  UPDATE account SET id = -id WHERE id % 211 = (random() * 210)::int AND NOT EXISTS (SELECT FROM account AS o WHERE o.id = -account.id);
  DELETE FROM account WHERE ctid IN (SELECT ctid FROM account ORDER BY random() LIMIT 50)`;

describe('a table that changes while it is read', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL, note text);
      INSERT INTO account SELECT i, 1000, repeat('x', i % 100) FROM generate_series(1, ${ACCOUNTS}) i;
      SELECT setseed(0.5); ANALYZE`);
  });
  afterEach(() => database.drop());

  async function terminateReaders(client: Client): Promise<void> {
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database()`,
    );
  }

  async function warehouseSum(): Promise<unknown[][]> {
    return await withWarehouse(database, (warehouse) =>
      warehouse.rows(
        'SELECT sum(balance)::BIGINT, count(*) FROM tester.source_public_account WHERE NOT _fivetran_deleted',
      ),
    );
  }

  interface Repetition {
    /** Resolves when it has run once more from beginning to end. */
    once(): Promise<void>;
    stop(): Promise<void>;
  }

  /** Runs `sql` over and over until it is told to stop. */
  function keepOn(client: Client, sql: string): Repetition {
    let stopped = false;
    let times = 0;
    const running = (async () => {
      for (; !stopped; times += 1) await client.query(sql);
    })();
    return {
      async once() {
        const before = times;
        while (times < before + 2) await delay(1);
      },
      async stop() {
        stopped = true;
        await running;
      },
    };
  }

  /** Resolves when a session waits for its lock of the table. */
  async function lockIsAwaited(): Promise<void> {
    const waiting = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'account'::regclass`;
    while ((await database.client.query(waiting)).rowCount === 0) await delay(5);
  }

  test('one snapshot: money that moves between rows is neither lost nor doubled', async () => {
    const transfers = keepOn(await database.connect(), TRANSFER);
    const readers = new Set<number>();
    const { failures, lines } = await sync(database, SLOWLY, {
      beforeWrite: async (batch) => {
        if (batch <= 4) await transfers.once();
        const { rows } = await database.client.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database() AND xact_start IS NOT NULL`,
        );
        for (const { pid } of rows) readers.add(pid);
      },
    });
    await transfers.stop();
    expect(failures).toEqual({});
    expect(await warehouseSum()).toEqual([[BigInt(ACCOUNTS) * 1000n, BigInt(ACCOUNTS)]]);
    expect(lines.filter((line) => line.includes('Catching up'))).toEqual([]);
    expect(readers.size).toBeGreaterThan(0);
  });

  test('several readers of one table share one snapshot', async () => {
    // Two partitions, so two readers at the least; what is written before the first batch is visible to none.
    await database.client.query(
      `INSERT INTO account SELECT i, 1000, NULL FROM generate_series(${ACCOUNTS + 1}, 130000) i; ANALYZE`,
    );
    let readers = 0;
    const { failures } = await sync(
      database,
      { customBatchSize: 2_000, customQueueSize: 2_000 },
      {
        beforeWrite: async () => {
          // A second one comes, however long its login takes: the first one waits for room in the queue meanwhile.
          while (readers < 2) {
            const { rows } = await database.client.query<{ n: number }>(
              `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database() AND xact_start IS NOT NULL`,
            );
            readers = Math.max(readers, rows[0]?.n ?? 0);
            await delay(1);
          }
          for (let times = 0; times < 3; times += 1) await database.client.query(TRANSFER);
        },
      },
    );
    expect(failures).toEqual({});
    expect(readers).toBeGreaterThan(1);
    expect(await warehouseSum()).toEqual([[130_000_000n, 130_000n]]);
  });

  test.each([
    { how: 'snapshots that are too old at once', settings: { snapshotMaxAgeSeconds: 0.000_001 }, at: [] as number[] },
    { how: 'connections terminated in mid-table', settings: {}, at: [5, 12, 13] },
  ])('$how: the table is as at the end', async ({ settings, at }) => {
    const { failures, lines } = await sync(
      database,
      { ...SLOWLY, ...settings },
      {
        beforeWrite: async (batch) => {
          await database.client.query(UPHEAVAL);
          if (at.includes(batch)) await terminateReaders(database.client);
        },
      },
    );
    expect(failures).toEqual({});
    expect(lines).toContain('INFO Catching up public.account: rows changed since its first snapshot');
    await withWarehouse(database, async (warehouse) => {
      const comparison = await compareTable(database.client, warehouse, TABLE);
      expect(comparison).toEqual(same(comparison.rows));
      expect(comparison.rows).toBeGreaterThan(ACCOUNTS / 2);
      expect(await warehouse.rows('SELECT count(*) - count(DISTINCT id) FROM tester.source_public_account')).toEqual([
        [0n],
      ]);
    });
  });

  test('several snapshots under a writer that does not stop: the sum is still right', async () => {
    const transfers = keepOn(await database.connect(), TRANSFER);
    const { failures, lines } = await sync(
      database,
      { ...SLOWLY, snapshotMaxAgeSeconds: 0.01 },
      { beforeWrite: async (batch) => (batch <= 4 ? await transfers.once() : undefined) },
    );
    await transfers.stop();
    expect(failures).toEqual({});
    expect(lines.filter((line) => line.includes('Catching up'))).toHaveLength(1);
    expect(await warehouseSum()).toEqual([[BigInt(ACCOUNTS) * 1000n, BigInt(ACCOUNTS)]]);
  });

  /** Begins `change` when the tables are known, and commits it when the sync waits for its lock. */
  async function syncDuring(change: string): Promise<Awaited<ReturnType<typeof sync>>> {
    const other = await database.connect();
    let committed: Promise<unknown> = Promise.resolve();
    const outcome = await sync(database, SLOWLY, {
      beforeReading: async () => {
        await other.query(`BEGIN; ${change}`);
        committed = lockIsAwaited().then(() => other.query('COMMIT'));
      },
    });
    await committed;
    return outcome;
  }

  test.each([
    {
      what: 'emptied and filled anew in one transaction',
      change: `TRUNCATE account; INSERT INTO account SELECT i, 7, 'anew' FROM generate_series(1, 9000) i`,
      rows: 9_000,
    },
    {
      what: 'rewritten into many more pages',
      change: `CREATE FUNCTION same(text) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1';
        ALTER TABLE account SET (fillfactor = 10); ALTER TABLE account ALTER note TYPE text USING same(note)`,
      rows: ACCOUNTS,
    },
  ])('$what while the sync waits for it: the table is as after that', async ({ change, rows }) => {
    await sync(database, SLOWLY);
    const { failures } = await syncDuring(change);
    expect(failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, TABLE)).toEqual(same(rows));
    });
  });

  test('a reader that would have to wait behind an ALTER TABLE, which waits for the readers, leaves the rest to them', async () => {
    await database.client.query(
      `INSERT INTO account SELECT i, 1000, NULL FROM generate_series(${ACCOUNTS + 1}, 120000) i; ANALYZE`,
    );
    const other = await database.connect();
    let altered: Promise<unknown> = Promise.resolve();
    const manager = openSource(settingsFor(database), SILENT, 3);
    const signal = new AbortController().signal;
    const table = (await discover(await manager.lease(), signal)).tables[0];
    const read: number[] = [];
    await TableSnapshot.with({ manager, table: table as TableSchema, readers: 2, signal }, async (snapshot) => {
      altered = other.query('ALTER TABLE account ADD COLUMN extra int');
      await lockIsAwaited();
      const partitions = snapshot.partitions(() => 20_000);
      expect(partitions.length).toBeGreaterThan(3);
      await snapshot.each(partitions, async (session, partition) => {
        await session.query('SELECT count(*) FROM public.account', { doing: 'counting' });
        read.push(partition.range?.lo ?? -1);
      });
      expect(read.length).toBe(partitions.length);
    });
    await altered;
    await manager.close();
  });

  test('rows that change their partition between two snapshots arrive once', async () => {
    await database.client.query(`
      CREATE TABLE ledger (id int, side text, v text, PRIMARY KEY (id, side)) PARTITION BY LIST (side);
      CREATE TABLE ledger_a PARTITION OF ledger FOR VALUES IN ('a'); CREATE TABLE ledger_b PARTITION OF ledger FOR VALUES IN ('b');
      INSERT INTO ledger SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, 'v' FROM generate_series(1, 6000) i; ANALYZE`);
    const { failures } = await sync(
      database,
      { ...SLOWLY, tableFilters: ['public.ledger'], snapshotMaxAgeSeconds: 0.000_001 },
      {
        beforeWrite: async () => {
          await database.client.query(
            `UPDATE ledger SET side = CASE side WHEN 'a' THEN 'b' ELSE 'a' END, v = 'moved' WHERE id % 17 = (random() * 16)::int`,
          );
        },
      },
    );
    expect(failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'ledger' })).toEqual(same(6_000));
    });
  });

  test('a table without a key is read anew when its snapshot is lost', async () => {
    await database.client.query(
      'ALTER TABLE account DROP CONSTRAINT account_pkey; INSERT INTO account SELECT * FROM account LIMIT 500',
    );
    const changes = UPHEAVAL.replace(/ON CONFLICT .*;/, ';');
    const { failures, lines } = await sync(database, SLOWLY, {
      beforeWrite: async (batch) => {
        if (batch > 9) return;
        await database.client.query(changes);
        if (batch === 9) await terminateReaders(database.client);
      },
    });
    expect(failures).toEqual({});
    expect(lines.filter((line) => line.startsWith('WARNING Retrying public.account'))).toHaveLength(1);
    await withWarehouse(database, async (warehouse) => {
      const comparison = await compareTable(database.client, warehouse, TABLE);
      expect(comparison).toEqual(same(comparison.rows));
    });
  });

  test('connections older than three hours are renewed in mid-table, and nothing is lost by it', async () => {
    let hours = 0;
    const backends = new Set<number>();
    const { failures, lines } = await sync(database, SLOWLY, {
      clock: () => performance.now() + hours * 3_600_000,
      beforeWrite: async (batch) => {
        // A reader may take its connection a moment later than the batch before is written.
        await delay(5);
        const { rows } = await database.client.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database()`,
        );
        for (const { pid } of rows) backends.add(pid);
        await database.client.query(UPHEAVAL);
        if (batch === 10 || batch === 20) hours += 3.01;
      },
    });
    expect(failures).toEqual({});
    const opened = lines.filter((line) => line.startsWith('INFO New database connection established at '));
    expect(opened.length).toBeGreaterThanOrEqual(3);
    expect(backends.size).toBeGreaterThanOrEqual(3);
    await withWarehouse(database, async (warehouse) => {
      const comparison = await compareTable(database.client, warehouse, TABLE);
      expect(comparison).toEqual(same(comparison.rows));
    });
    const { rows } = await database.client.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database()`,
    );
    expect(rows).toEqual([]);
  });
});
