import type { Settings } from '../../../src/config/settings';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { compareTable, same, withWarehouse, type Comparison } from '../../helpers/compare';
import { changeState, changeWarehouse, statesIn } from '../../helpers/warehouse-access';
import { allOlderEnded } from '../../helpers/older-transactions';
import { runSync } from '../../../src/app/sync-run';
import { settingsFor } from '../../helpers/settings';
import type { SyncReport } from '../../../src/model/report';
import { UNMOVED } from '../sync';

let database: TestDatabase;
const lines: string[] = [];

beforeEach(async () => {
  database = await createDatabase();
  lines.length = 0;
});
afterEach(() => database.drop());

async function sync(
  overrides: Partial<Settings> = {},
  more: { reconcile?: boolean; keysOnly?: boolean } = {},
): Promise<SyncReport> {
  lines.length = 0;
  const log = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger = { debug: log('DEBUG'), info: log('INFO'), warning: log('WARNING'), severe: log('SEVERE') };
  const report = await runSync(settingsFor(database, overrides), {
    logger,
    signal: new AbortController().signal,
    observer: {},
    ...UNMOVED,
    ...more,
  });
  expect(report.tables.filter((table) => table.error !== undefined)).toEqual([]);
  return report;
}

const sql = (text: string): Promise<unknown> => database.client.query(text);

async function compared(name: string, schema = 'public'): Promise<Comparison> {
  return await withWarehouse(database, (warehouse) => compareTable(database.client, warehouse, { schema, name }));
}

async function deletedKeys(table: string): Promise<unknown[]> {
  const rows = await withWarehouse(database, (warehouse) =>
    warehouse.rows(`SELECT id FROM tester.${table} WHERE _fivetran_deleted ORDER BY id`),
  );
  return rows.map(([id]) => id);
}

/** Upserts of a sync that has nothing new to describe in the metadata tables. */
function upserted(report: SyncReport): number {
  return report.operations.upserts;
}

async function bigTable(key = 'primary key'): Promise<void> {
  await sql(`CREATE TABLE t (id int ${key}, v text, n int);
    INSERT INTO t SELECT i, 'value ' || i, i % 7 FROM generate_series(1, 12000) AS i; ANALYZE t`);
  await allOlderEnded(database.client);
}

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

describe('schema evolution', () => {
  const changes: readonly [string, string][] = [
    ['a column added', `ALTER TABLE t ADD COLUMN extra numeric(5,2) DEFAULT 1.5`],
    ['a column dropped', `ALTER TABLE t DROP COLUMN n`],
    ['a column renamed', `ALTER TABLE t RENAME COLUMN v TO w`],
    [
      'columns in another order',
      `ALTER TABLE t ADD COLUMN w text; UPDATE t SET w = v; ALTER TABLE t DROP COLUMN v; ALTER TABLE t RENAME COLUMN w TO v`,
    ],
    ['a type widened', `ALTER TABLE t ALTER n TYPE bigint`],
    ['a type narrowed', `ALTER TABLE t ALTER n TYPE smallint`],
    ['a type changed altogether', `ALTER TABLE t ALTER n TYPE date USING date '2024-01-01' + n`],
    ['a key added to', `ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id, v)`],
    ['the key dropped', `ALTER TABLE t DROP CONSTRAINT t_pkey`],
    [
      'the table recreated',
      `DROP TABLE t; CREATE TABLE t (id text PRIMARY KEY, other bool); INSERT INTO t VALUES ('a', true)`,
    ],
    [
      'turned into a partitioned one',
      `DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v text, n int) PARTITION BY HASH (id);
      CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO t VALUES (1, 'one', 1)`,
    ],
  ];
  test.each(changes)('%s: followed, with a warning, and equal afterwards', async (_, change) => {
    await bigTable();
    await sync();
    await sql(change);
    await sync();
    expect(lines.join('\n')).toMatch(
      /(WARNING|INFO) public\.t has changed: .*(added|dropped or renamed|changed from|is another|created anew|created again)/,
    );
    const { rows } = await database.client.query<{ count: string }>('SELECT count(*) FROM t');
    expect(await comparedWithLeftovers('t')).toEqual(same(Number(rows[0]?.count)));
  });

  test('a key added to a table without one', async () => {
    await bigTable('NOT NULL');
    await sync();
    await sql('ALTER TABLE t ADD PRIMARY KEY (id)');
    await sync();
    expect(await comparedWithLeftovers('t')).toEqual(same(12_000));
  });

  test('schema_drift "fail" leaves the table alone and the others go on', async () => {
    await bigTable();
    await sql('CREATE TABLE u (id int PRIMARY KEY)');
    await sync();
    await sql('ALTER TABLE t ADD COLUMN extra int; INSERT INTO u VALUES (1)');
    const report = await runSync(settingsFor(database, { schemaDrift: 'fail' }), {
      logger: { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined },
      signal: new AbortController().signal,
      observer: {},
    });
    expect(report.tables.find((table) => table.key === 'public.t')?.error?.code).toBe('schema_drift');
    expect(await compared('u')).toEqual(same(1));
  });

  test('a dropped or renamed table stays as it is, with a warning', async () => {
    await bigTable();
    await sync();
    await sql('ALTER TABLE t RENAME TO renamed');
    await sync();
    expect(lines.join('\n')).toContain('WARNING public.t is no longer in the source');
    expect(await compared('renamed')).toEqual(same(12_000));
  });

  test('schema_drift "warn" makes a warning also of what "evolve" only mentions', async () => {
    await bigTable();
    await sync();
    await sql('ALTER TABLE t ADD COLUMN a int');
    await sync({ schemaDrift: 'warn' });
    expect(lines).toContain('WARNING public.t has changed: column a added. It is loaded from the start.');
    await sql('ALTER TABLE t ADD COLUMN b int');
    await sync();
    expect(lines).toContain('INFO public.t has changed: column b added. It is loaded from the start.');
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('a table that moves to another schema is a new one; the old one stays, with a warning', async () => {
    await bigTable();
    await sync();
    await sql('CREATE SCHEMA elsewhere; ALTER TABLE t SET SCHEMA elsewhere');
    await sync();
    expect(lines.join('\n')).toContain('WARNING public.t is no longer in the source');
    expect(await compared('t', 'elsewhere')).toEqual(same(12_000));
    // And back: what was missed meanwhile is found.
    await sql(`UPDATE elsewhere.t SET v = 'elsewhere' WHERE id = 3; ALTER TABLE elsewhere.t SET SCHEMA public`);
    await sync();
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('values of a new enum label arrive', async () => {
    await sql(`CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id int PRIMARY KEY, m mood);
      INSERT INTO t SELECT i, 'sad' FROM generate_series(1, 12000) i; ANALYZE t`);
    await sync();
    await sql(`ALTER TYPE mood ADD VALUE 'happy'`);
    await sql(`UPDATE t SET m = 'happy' WHERE id < 10`);
    await sync();
    expect(await compared('t')).toEqual(same(12_000));
  });
});

/** As `compared`, where the warehouse keeps columns that the source no longer has. */
async function comparedWithLeftovers(name: string): Promise<Comparison> {
  const { rows } = await database.client.query<{ column_name: string }>(
    `SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
    [name],
  );
  const present = new Set(rows.map((row) => row.column_name));
  const table = `tester.source_public_${name}`;
  const leftovers = await withWarehouse(database, async (warehouse) => {
    const stored = await warehouse.rows(`SELECT column_name FROM (DESCRIBE ${table})`);
    const left = stored
      .map(([column]) => String(column))
      .filter((text) => !present.has(text) && !text.startsWith('_fivetran') && text !== 'sync_timestamp');
    for (const column of left)
      expect(await warehouse.rows(`SELECT count("${column}")::INT FROM ${table} WHERE NOT _fivetran_deleted`)).toEqual([
        [0],
      ]);
    return left;
  });
  await changeWarehouse(database, ...leftovers.map((column) => `ALTER TABLE ${table} DROP COLUMN "${column}"`));
  return await compared(name);
}

test('--full-resync loads the named tables from the start', async () => {
  await bigTable();
  await sync();
  expect(upserted(await sync({ fullResync: ['public.t'] }))).toBe(12_000);
  expect(lines.join('\n')).toContain('is loaded from the start, as asked');
  expect(await compared('t')).toEqual(same(12_000));
});

describe('a warehouse that is not as it was left', () => {
  test('another schema is filled from the start, and so is the first one when it is used again', async () => {
    await bigTable();
    await sync();
    await sql(`UPDATE t SET v = 'one' WHERE id = 1`);
    await sync({ destinationSchema: 'elsewhere' });
    await sql(`UPDATE t SET v = 'two' WHERE id = 2`);
    await sync({ destinationSchema: 'elsewhere' });
    await sync();
    expect(await compared('t')).toEqual(same(12_000));
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    [
      'without the table',
      () => changeWarehouse(database, 'DROP TABLE tester.source_public_t'),
      /WARNING public\.t was synced, but schema tester .* has no table source_public_t/,
    ],
    [
      'with a state that is no JSON',
      () => changeState(database, 'public.t', '{'),
      /WARNING The warehouse's state of public\.t is damaged/,
    ],
  ])('%s: loaded from the start, with a warning', async (_, damage, said) => {
    await bigTable();
    await sync();
    await damage();
    await sync();
    expect(lines.join('\n')).toMatch(said);
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('a state file that was edited by hand changes nothing', async () => {
    await bigTable();
    await sync();
    await sql(`UPDATE t SET v = 'changed' WHERE id <= 5`);
    const { readFileSync, writeFileSync } = await import('node:fs');
    const path = `${database.folder}/state.json`;
    const edited = readFileSync(path, 'utf8')
      .replace(/"xmin": "\d+"/, '"xmin": "99999999"')
      .replace(/"lastSyncedAt": "[^"]*"/, '"lastSyncedAt": null');
    writeFileSync(path, edited);
    expect(upserted(await sync())).toBe(5);
    expect(await compared('t')).toEqual(same(12_000));
    writeFileSync(path, '{ "half of');
    await sync();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('version');
  });
});

test('the state of an earlier connector is noticed, and everything is loaded', async () => {
  await bigTable();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(
    `${database.folder}/state.json`,
    JSON.stringify({ last_updated_at: '2024-01-01T00:00:00', t: '2024-01-01T00:00:00' }),
  );
  await sync();
  expect(lines.join('\n')).toContain('Found the state of an earlier connector');
  expect(await compared('t')).toEqual(same(12_000));
});
