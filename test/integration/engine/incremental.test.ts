import type { Settings } from '../../../src/config/settings';
import { same, withWarehouse } from '../../helpers/compare';
import { allOlderEnded } from '../../helpers/older-transactions';
import { changeState, statesIn } from '../../helpers/warehouse-access';
import { bigTable, compared, database, deletedKeys, lines, sql, sync, upserted } from './changing-database';

describe('mode xmin', () => {
  test('moves only rows that were inserted or updated since the last sync', async () => {
    await bigTable();
    await sync();
    expect(lines.join('\n')).toContain('mode xmin (finds every change)');
    await sql(`UPDATE t SET v = 'changed' WHERE id % 100 = 0; INSERT INTO t VALUES (20000, 'new', NULL)`);
    // Else the sync after the next one reads these rows again.
    await allOlderEnded(database.client);
    const report = await sync();
    expect(upserted(report)).toBe(121);
    expect(await compared('t')).toEqual(same(12_001));
    expect(upserted(await sync())).toBeLessThan(5);
  });

  test('finds a row by its transaction that began before the last sync and committed after it', async () => {
    await bigTable();
    const other = await database.connect();
    await other.query(`BEGIN; UPDATE t SET v = 'late' WHERE id = 77`);
    await sync();
    // A later transaction commits first, so that the late one is older than what the second sync begins with.
    await sql(`UPDATE t SET v = 'early' WHERE id = 78`);
    await sync();
    await other.query('COMMIT');
    await sync();
    expect(await compared('t')).toEqual(same(12_000));
    await other.end();
  });

  test('finds deleted rows when keys are compared, and un-marks rows that came back', async () => {
    await bigTable();
    await sync();
    await sql('DELETE FROM t WHERE id IN (5, 6, 7)');
    await sync({ reconcileEvery: 0 });
    expect(await deletedKeys('source_public_t')).toEqual([]);
    const report = await sync({}, { reconcile: true });
    expect(report.operations.deletes).toBe(3);
    expect(await deletedKeys('source_public_t')).toEqual([5, 6, 7]);
    await sql(`INSERT INTO t VALUES (6, 'back', 1)`);
    await sync({}, { keysOnly: true });
    expect(await deletedKeys('source_public_t')).toEqual([5, 7]);
    await sync();
    expect(await compared('t')).toEqual(same(11_998));
  });

  test('compares keys at every so many syncs', async () => {
    await bigTable();
    await sync({ reconcileEvery: 2 });
    await sql('DELETE FROM t WHERE id = 9');
    await sync({ reconcileEvery: 2 });
    expect(await deletedKeys('source_public_t')).toEqual([]);
    await sync({ reconcileEvery: 2 });
    expect(await deletedKeys('source_public_t')).toEqual([9]);
  });

  test.each([
    ['VACUUM FULL t', same(12_000)],
    ['CLUSTER t USING t_pkey', same(12_000)],
    [`TRUNCATE t; INSERT INTO t SELECT i, 'anew', 1 FROM generate_series(1, 9000) AS i; ANALYZE t`, same(9_000)],
  ])('a rewritten table (%s) ends equal, its deleted rows found', async (rewrite, expected) => {
    await bigTable();
    await sync();
    for (const statement of rewrite.split('; ')) await sql(statement);
    await sync();
    expect(lines.filter((line) => line.startsWith('WARNING')).join()).toContain('rewritten');
    expect(await compared('t')).toEqual(expected);
  });

  test('partitions that are attached, detached and truncated', async () => {
    await sql(`CREATE TABLE p (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
      CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
      CREATE TABLE p3 (id int NOT NULL, day date NOT NULL, PRIMARY KEY (id, day));
      INSERT INTO p SELECT i, '2024-01-15' FROM generate_series(1, 6000) i;
      INSERT INTO p SELECT i, '2024-02-15' FROM generate_series(1, 6000) i;
      INSERT INTO p3 SELECT i, '2024-03-15' FROM generate_series(1, 50) i; ANALYZE`);
    await sync();
    // Its rows are older than the last sync.
    await sql(`ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')`);
    await sync();
    expect(await compared('p')).toEqual(same(12_050));
    await sql('ALTER TABLE p DETACH PARTITION p1');
    await sync();
    expect(await compared('p')).toEqual(same(6_050));
    await sql('TRUNCATE p2');
    await sync();
    expect(await compared('p')).toEqual(same(50));
  });

  test('a transaction id too far away to compare leads to a full load, with a warning', async () => {
    await bigTable();
    await sync();
    // 64-bit transaction ids of a state that is three wraparounds behind.
    await withStateOf('public.t', (entry) => ({ ...entry, xmin: '-9000000000' }));
    await sql('DELETE FROM t WHERE id = 4');
    await sync();
    expect(lines.join('\n')).toMatch(
      /WARNING public\.t was last synced at a transaction id that can no longer be compared/,
    );
    expect(await deletedKeys('source_public_t')).toEqual([4]);
  });

  test('another server, or one that was restored or promoted, leads to a full load, with a warning', async () => {
    await bigTable();
    await sync();
    await withStateOf('public.t', (entry) => ({ ...entry, source: '1/1/1' }));
    const report = await sync();
    expect(lines.join('\n')).toMatch(/WARNING public\.t comes from another server/);
    expect(upserted(report)).toBe(12_000);
  });
});

async function withStateOf(
  key: string,
  change: (entry: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const [row] = await withWarehouse(database, async (warehouse) =>
    warehouse.rows(`SELECT entry FROM ${await statesIn(warehouse)} WHERE table_key = '${key}'`),
  );
  await changeState(database, key, JSON.stringify(change(JSON.parse(String(row?.[0])) as Record<string, unknown>)));
}

describe('mode timestamp', () => {
  // Without the proof by transaction ids that each sync makes by default.
  const byTime = (overrides: Partial<Settings> = {}): ReturnType<typeof sync> =>
    sync({ syncMode: 'timestamp', reconcileEvery: 0, ...overrides });

  const create = async (columnType = 'timestamptz NOT NULL'): Promise<void> => {
    await sql(`CREATE TABLE t (id int PRIMARY KEY, v text, updated_at ${columnType});
      INSERT INTO t SELECT i, 'value ' || i, now() - interval '30 days' + i * interval '1 minute' FROM generate_series(1, 12000) AS i;
      CREATE INDEX ON t (updated_at); ANALYZE t`);
  };

  test('is chosen for an indexed update column without NULLs, and reads from its watermark on', async () => {
    await create();
    await byTime();
    expect(lines.join('\n')).toContain('mode timestamp (updated_at is indexed and without NULLs)');
    await sql(`UPDATE t SET v = 'new', updated_at = now() WHERE id <= 40; INSERT INTO t VALUES (50000, 'x', now())`);
    const report = await byTime();
    expect(upserted(report)).toBeGreaterThanOrEqual(41);
    expect(upserted(report)).toBeLessThan(200);
    expect(await compared('t')).toEqual(same(12_001));
  });

  test('what its column does not show is found by the next proof, however many syncs are between', async () => {
    await create();
    await byTime();
    await sql(`UPDATE t SET v = 'the date stays' WHERE id = 5`);
    for (let round = 0; round < 2; round += 1) {
      await sql(`UPDATE t SET v = 'new', updated_at = now() WHERE id = 6`);
      await byTime({ reconcileEvery: 1_000 });
      await sync({ syncMode: 'timestamp' }, { keysOnly: true });
      expect((await compared('t')).missing).toHaveLength(1);
    }
    await byTime({ reconcileEvery: 1 });
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('reads many rows of one moment page by page', async () => {
    await create();
    await byTime();
    await sql(`UPDATE t SET v = 'same moment', updated_at = '2030-01-01' WHERE id <= 1000`);
    await byTime({ customBatchSize: 100 });
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('a change of most rows is read by ranges', async () => {
    await create();
    await byTime();
    await sql(`UPDATE t SET v = v || '!', updated_at = now() WHERE id > 100; ANALYZE t`);
    await byTime();
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('a transaction that commits late is not missed', async () => {
    await create();
    const other = await database.connect();
    await other.query(`BEGIN; UPDATE t SET v = 'late', updated_at = now() WHERE id = 77`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await sql(`UPDATE t SET v = 'early', updated_at = clock_timestamp() WHERE id = 78`);
    await byTime();
    await other.query('COMMIT');
    await byTime();
    expect(await compared('t')).toEqual(same(12_000));
    await other.end();
  });

  test('nor where the role may not see the transactions of others', async () => {
    const role = `role_${database.name}`;
    await create();
    await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT SELECT ON t TO ${role}`);
    try {
      const other = await database.connect();
      await other.query('BEGIN');
      // As if it had begun half an hour ago, without the wait.
      await other.query(`UPDATE t SET v = 'late', updated_at = now() - interval '30 minutes' WHERE id = 77`);
      await sql(`UPDATE t SET v = 'early', updated_at = clock_timestamp() WHERE id = 78`);
      await byTime({ username: role, password: 'x' });
      await other.query('COMMIT');
      await byTime({ username: role, password: 'x' });
      expect(await compared('t')).toEqual(same(12_000));
      await other.end();
    } finally {
      await sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  test.each(['timestamp', 'date', 'timestamptz'])(
    'a nullable key of type %s, named by the user: rows with NULL are read every time',
    async (type) => {
      await create(type);
      const options = { tableOptions: [['public.t', { replicationKey: 'updated_at' }]] as const };
      await sql('UPDATE t SET updated_at = NULL WHERE id <= 30');
      await byTime(options);
      await sql(
        `UPDATE t SET v = 'changed without a time' WHERE id <= 30; UPDATE t SET v = 'w', updated_at = now() WHERE id = 99`,
      );
      await byTime(options);
      expect(await compared('t')).toEqual(same(12_000));
    },
  );

  test('a table that was emptied and filled with rows of long ago is read by transaction id', async () => {
    await create();
    await byTime();
    await sql(`TRUNCATE t; INSERT INTO t SELECT i, 'restored ' || i, now() - interval '300 days' FROM generate_series(5000, 15000) AS i;
      ANALYZE t`);
    await byTime();
    expect(lines.join('\n')).toMatch(/WARNING public\.t was rewritten, truncated or lost a partition; its keys/);
    expect(await compared('t')).toEqual(same(10_001));
    expect(await deletedKeys('source_public_t')).toHaveLength(4_999);
  });

  test('an append-only table goes by its creation time only when told to', async () => {
    await sql(`CREATE TABLE t (id int PRIMARY KEY, v text, created_at timestamptz NOT NULL DEFAULT now());
      CREATE INDEX ON t (created_at); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 12000) i; ANALYZE t`);
    await byTime();
    expect(lines.join('\n')).toContain('mode xmin');
    await byTime({ tableOptions: [['public.t', { replicationKey: 'created_at' }]] });
    expect(lines.join('\n')).toContain('mode timestamp (by created_at, as configured)');
    expect(await compared('t')).toEqual(same(12_000));
  });
});

describe('mode full', () => {
  test('marks what is gone, un-marks what came back, and keeps identities of rows without a key', async () => {
    await sql(`CREATE TABLE k (a int, b text); INSERT INTO k VALUES (1, 'x'), (1, 'x'), (2, NULL), (NULL, 'y')`);
    await sync();
    const identities = async (): Promise<unknown[]> =>
      await withWarehouse(database, (warehouse) =>
        warehouse.rows(`SELECT _fivetran_id FROM tester.source_public_k WHERE NOT _fivetran_deleted ORDER BY 1`),
      );
    const before = await identities();
    expect(new Set(before.map(String)).size).toBe(4);
    await sync();
    expect(await identities()).toEqual(before);
    await sql(`DELETE FROM k WHERE a = 2; INSERT INTO k VALUES (1, 'x')`);
    await sync();
    expect(await compared('k')).toEqual(same(4));
    await sql('INSERT INTO k VALUES (2, NULL)');
    await sync();
    expect((await identities()).map(String)).toEqual(expect.arrayContaining(before.map(String)));
  });
});

test('--full-resync loads the named tables from the start', async () => {
  await bigTable();
  await sync();
  expect(upserted(await sync({ fullResync: ['public.t'] }))).toBe(12_000);
  expect(lines.join('\n')).toContain('is loaded from the start, as asked');
  expect(await compared('t')).toEqual(same(12_000));
});
