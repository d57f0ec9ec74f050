/** What people see of mode log in a sync: the log that the slot keeps, and why the log cannot be read. */
import { readStatus } from '../../../src/app/status';
import type { SlotWal } from '../../../src/model/slot-wal';
import type { SyncObserver } from '../../../src/model/report';
import { createMetrics } from '../../../src/observe/metrics';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { makeSlot, setUpLog, slotOf, startLogServer } from '../../helpers/log-server';
import { createDatabase, withDatabase, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { found, sync, type SyncOutcome } from '../sync';

const ASKING = 'asking about the replication slot and the publication';

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  // Reading through SQL needs no walsender.
  server = await startLogServer({ flags: { max_wal_senders: '0' } });
});
afterAll(() => server.close());
beforeEach(async () => {
  database = await createDatabase({ server });
  await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 500) i;
    CREATE TABLE u (id int PRIMARY KEY, v text); INSERT INTO u SELECT i, 'u' || i FROM generate_series(1, 500) i;
    CREATE VIEW seen AS SELECT * FROM t; ANALYZE`);
});
afterEach(async () => {
  await database.client.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots`);
  await database.drop();
});

const warningsOf = ({ lines }: SyncOutcome): readonly string[] => lines.filter((line) => line.startsWith('WARNING'));

async function expectEqual(outcome: SyncOutcome, rows: number): Promise<void> {
  expect(outcome.failures).toEqual({});
  await withWarehouse(database, async (warehouse) => {
    for (const name of ['t', 'u'])
      expect(await compareTable(database.client, warehouse, { schema: 'public', name })).toEqual(same(rows));
  });
}

/** A thousand megabytes of log, almost all of it the unused rest of segments. */
async function writeMuchLog(): Promise<void> {
  for (let segment = 0; segment < 66; segment++)
    await database.client.query(`SELECT pg_logical_emit_message(false, 'test', 'x'); SELECT pg_switch_wal()`);
}

it('asks nothing where nobody has to do with mode log', async () => {
  const asked: string[] = [];
  const observer: SyncObserver = { statement: ({ doing }) => void asked.push(doing) };
  await sync(database, { syncMode: 'auto' }, { observer });
  expect(asked).not.toContain(ASKING);
  expect(await found(database, {}, 'log')).toEqual([]);
  const without = asked.length;
  await sync(database, { syncMode: 'auto', warehousePath: `${database.folder}/b.db` }, { observer });
  expect(asked.length - without).toBe(without);
  asked.length = 0;
  await setUpLog(database);
  await sync(database, { syncMode: 'auto' }, { observer });
  expect(asked).toContain(ASKING);
});

it('a sync, its metrics, status and check tell what the slot keeps', async () => {
  await setUpLog(database);
  const metrics = createMetrics('1');
  const seen: SlotWal[] = [];
  const observer: SyncObserver = {
    slotSeen: (wal) => {
      seen.push(wal);
      metrics.observer.slotSeen?.(wal);
    },
  };
  expect(await metrics.registry.metrics()).not.toMatch(/^pgsluice_slot_retained_wal_bytes/m);
  const outcome = await sync(database, { syncMode: 'log' }, { observer });
  await expectEqual(outcome, 500);
  expect(warningsOf(outcome)).toEqual([]);
  expect(seen).toEqual([{ slotName: slotOf(database), bytes: expect.any(Number) as number, limitBytes: null }]);
  expect(await metrics.registry.metrics()).toMatch(
    new RegExp(`^pgsluice_slot_retained_wal_bytes\\{slot="${slotOf(database)}"\\} \\d+$`, 'm'),
  );
  const status = await readStatus(settingsFor(database));
  expect(status.slotWal).toEqual({ at: status.runs[0]?.startedAt, bytes: seen[0]?.bytes });
  expect(await found(database, {}, 'log')).toMatchObject([{ status: 'ok' }]);
  expect(await found(database, {}, 'wal')).toEqual([]);
});

it('more than 1 GB is a warning, in check and in the log of a sync, with what a limit would do', async () => {
  await setUpLog(database);
  await database.client.query(`SELECT pg_create_logical_replication_slot('pgsluice_elder', 'pgoutput')`);
  await writeMuchLog();
  const expected = new RegExp(
    `The replication slot "${slotOf(database)}" keeps 1\\.\\d GB of log on the disk of the source, until a sync reads it or .*max_slot_wal_keep_size is -1, so nothing stops it before the disk is full`,
  );
  expect(await found(database, {}, 'wal')).toMatchObject([
    { status: 'warning', message: expect.stringMatching(expected) as string },
    { status: 'warning', advice: expect.stringContaining("pg_drop_replication_slot('pgsluice_elder')") as string },
  ]);
  expect(warningsOf(await sync(database, { syncMode: 'log' }))).toEqual([expect.stringMatching(expected)]);
});

describe('why the log cannot be read: one sentence, and every table in another mode', () => {
  const READS = { syncMode: 'log', tableFilters: ['public.t', 'public.u'] } as const;

  it('no slot and no publication, or no publication alone', async () => {
    await expectWarnings([
      /There is no replication slot "pgsluice_.*"\. Run `pgsluice log setup`\./,
      /There is no publication "pgsluice"\./,
    ]);
    await makeSlot(database);
    await expectWarnings([/There is no publication "pgsluice"\. Run `pgsluice log setup`\./]);
    expect(await found(database, READS, 'log')).toMatchObject([{ status: 'warning' }]);
  });

  it('no attribute REPLICATION', async () => {
    const username = `reader_${database.name}`;
    await database.client.query(
      `CREATE ROLE ${username} LOGIN PASSWORD 'p'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${username}`,
    );
    try {
      await setUpLog(database);
      await expectWarnings([new RegExp(`may use no replication slot\\. ALTER ROLE "${username}" REPLICATION;`)], {
        username,
        password: 'p',
      });
    } finally {
      await database.client.query(`DROP OWNED BY ${username}; DROP ROLE ${username}`);
    }
  });

  it('a slot of another plugin', async () => {
    await database.client.query(`CREATE PUBLICATION pgsluice FOR ALL TABLES;`);
    await database.client.query(`SELECT pg_create_logical_replication_slot('${slotOf(database)}', 'test_decoding')`);
    await expectWarnings([/is of the output plugin test_decoding, and not ours/]);
  });

  it('a slot of another database', async () => {
    await database.client.query(`CREATE PUBLICATION pgsluice FOR ALL TABLES`);
    await withDatabase(
      async (other) => {
        await other.client.query(`SELECT pg_create_logical_replication_slot('${slotOf(database)}', 'pgoutput')`);
        await expectWarnings([new RegExp(`belongs to the database "${other.name}"`)]);
        await other.client.query(`SELECT pg_drop_replication_slot('${slotOf(database)}')`);
      },
      { server },
    );
  });

  it('wal_level', () =>
    withDatabase(async (minimal) => {
      await minimal.client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)');
      const outcome = await sync(minimal, { syncMode: 'log' });
      expect(outcome.failures).toEqual({});
      expect(warningsOf(outcome)).toEqual([
        expect.stringContaining(
          'wal_level is minimal, and mode log needs logical. ALTER SYSTEM SET wal_level = logical;',
        ),
        expect.stringMatching(/There is no replication slot "pgsluice_.*"\. Run `pgsluice log setup`\./),
        expect.stringContaining('There is no publication "pgsluice". Run `pgsluice log setup`.'),
      ]);
      await withWarehouse(minimal, async (warehouse) => {
        expect(await compareTable(minimal.client, warehouse, { schema: 'public', name: 't' })).toEqual(same(2));
      });
    }));

  it('a view, a table without replica identity, and one whose changes are filtered: those alone', async () => {
    await database.client.query(
      `CREATE TABLE silent (id int PRIMARY KEY); INSERT INTO silent VALUES (1); ALTER TABLE silent REPLICA IDENTITY NOTHING`,
    );
    await setUpLog(database, 't, u');
    const outcome = await sync(database, { syncMode: 'log', includeViews: true });
    await expectEqual(outcome, 500);
    expect([...warningsOf(outcome)].sort()).toEqual([
      expect.stringContaining('public.seen is not followed in the log: it is a view, whose rows are not in the log.'),
      expect.stringContaining(
        'public.silent is not followed in the log: the replica identity of the table does not name',
      ),
    ]);
  });

  async function expectWarnings(sentences: readonly RegExp[], login: object = {}): Promise<void> {
    const slots = await database.client.query('SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots');
    const { rows: changed } = await database.client.query<{ n: number }>(
      `WITH c AS (UPDATE t SET v = v || '!' WHERE id % 50 = 0 RETURNING 1) SELECT count(*)::int AS n FROM c`,
    );
    expect(changed[0]?.n).toBeGreaterThan(0);
    const outcome = await sync(database, { ...READS, ...login });
    await expectEqual(outcome, 500);
    expect(warningsOf(outcome)).toEqual(sentences.map((sentence) => expect.stringMatching(sentence) as string));
    const after = await database.client.query('SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots');
    expect(after.rows).toEqual(slots.rows);
  }
});
