import { Session } from '../../../src/postgres/connection/session';
import { compareTable, same, withWarehouse, type WarehouseReader } from '../../helpers/compare';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { sync } from '../sync';

describe('a second sync', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(() => database.drop());

  const rows = async (sql: string): Promise<unknown[][]> =>
    await withWarehouse(database, (warehouse: WarehouseReader) => warehouse.rows(sql));

  test.each([
    { batchRows: 7, syncMode: 'full', reconcileEvery: 0 },
    { batchRows: 5_000, syncMode: 'full', reconcileEvery: 0 },
    { batchRows: 7, syncMode: 'xmin', reconcileEvery: 1 },
  ] as const)(
    'inserts, changes, marks deleted rows and takes returning ones back ($syncMode, in batches of $batchRows)',
    async ({ batchRows, ...mode }) => {
      const { client } = database;
      await client.query(`
        CREATE TABLE t (id int, part text, v text, n numeric, PRIMARY KEY (part, id));
        INSERT INTO t SELECT i, 'p' || i % 3, 'v' || i, i / 8.0 FROM generate_series(1, 300) i; ANALYZE`);
      const table = { schema: 'public', name: 't' };
      const marks =
        'SELECT id, _fivetran_deleted, v FROM tester.source_public_t WHERE id IN (5, 6, 7, 301) ORDER BY id';
      const settings = { customBatchSize: batchRows, ...mode };
      await sync(database, settings);
      const [before] = await rows('SELECT min(sync_timestamp), count(*) FROM tester.source_public_t');

      await client.query(`
        DELETE FROM t WHERE id IN (5, 6) OR id > 250; UPDATE t SET v = NULL, n = n + 1e-20 WHERE id % 10 = 7;
        INSERT INTO t VALUES (301, 'p9', 'new', NULL); UPDATE t SET id = 1000 + id WHERE id BETWEEN 100 AND 110`);
      const second = await sync(database, settings);
      expect(second.failures).toEqual({});
      await withWarehouse(database, async (warehouse) => {
        expect(await compareTable(client, warehouse, table)).toEqual(same(249));
      });
      expect(await rows(marks)).toEqual([
        [5, true, 'v5'],
        [6, true, 'v6'],
        [7, false, null],
        [301, false, 'new'],
      ]);
      expect(await rows('SELECT count(*), count(DISTINCT (part, id)) FROM tester.source_public_t')).toEqual([
        [312n, 312n],
      ]);
      const [after] = await rows('SELECT min(sync_timestamp) FROM tester.source_public_t WHERE NOT _fivetran_deleted');
      expect(Number(after?.[0])).toBeGreaterThanOrEqual(Number(before?.[0]));

      await client.query(`INSERT INTO t VALUES (5, 'p2', 'back', 1); DELETE FROM t WHERE id = 301`);
      await sync(database, settings);
      await withWarehouse(database, async (warehouse) => {
        expect(await compareTable(client, warehouse, table)).toEqual(same(249));
      });
      expect(await rows(marks)).toEqual([
        [5, false, 'back'],
        [6, true, 'v6'],
        [7, false, null],
        [301, true, 'new'],
      ]);
    },
  );

  test('rows without a key keep their identity, and as many copies as the source has', async () => {
    const { client } = database;
    await client.query(`
      CREATE TABLE log (at timestamp, what text, n int);
      INSERT INTO log SELECT timestamp '2025-01-01' + i % 10 * interval '1 hour', CASE WHEN i % 3 <> 0 THEN 'w' || i % 4 END, NULL FROM generate_series(1, 500) i;
      ANALYZE`);
    const table = { schema: 'public', name: 'log' };
    const identities = 'SELECT _fivetran_id FROM tester.source_public_log WHERE NOT _fivetran_deleted ORDER BY 1';
    await sync(database);
    const first = await rows(identities);
    expect(new Set(first.flat()).size).toBe(500);

    // The same rows in another order.
    await client.query(
      'CREATE TABLE copy AS SELECT * FROM log; TRUNCATE log; INSERT INTO log SELECT * FROM copy ORDER BY what DESC, at; DROP TABLE copy',
    );
    await sync(database, { customBatchSize: 7 });
    expect(await rows(identities)).toEqual(first);
    expect(await rows('SELECT count(*) FROM tester.source_public_log')).toEqual([[500n]]);

    // One copy fewer of one row, one copy more of another.
    await client.query(`
      DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log WHERE what = 'w1'); INSERT INTO log SELECT * FROM log WHERE what = 'w2' LIMIT 1`);
    await sync(database);
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(client, warehouse, table)).toEqual(same(500));
    });
    expect(await rows('SELECT count(*) FILTER (_fivetran_deleted), count(*) FROM tester.source_public_log')).toEqual([
      [1n, 501n],
    ]);
  });

  test('a table emptied, one truncated and one dropped: the rows of the first two are marked, the third is left alone', async () => {
    const { client } = database;
    for (const name of ['emptied', 'truncated', 'dropped'])
      await client.query(
        `CREATE TABLE ${name} (id int PRIMARY KEY); INSERT INTO ${name} SELECT generate_series(1, 10)`,
      );
    await sync(database);
    await client.query('DELETE FROM emptied; TRUNCATE truncated; DROP TABLE dropped');
    const { failures } = await sync(database);
    expect(failures).toEqual({});
    const deleted = (name: string): string =>
      `SELECT count(*) FILTER (_fivetran_deleted) FROM tester.source_public_${name}`;
    expect(await rows(deleted('emptied'))).toEqual([[10n]]);
    expect(await rows(deleted('truncated'))).toEqual([[10n]]);
    expect(await rows(deleted('dropped'))).toEqual([[0n]]);
  });

  test('the descriptions of tables and columns keep both of two tables of one name, and grow with each sync where that is asked for', async () => {
    const { client } = database;
    await client.query(`
      CREATE SCHEMA other; CREATE TABLE public.t (id int PRIMARY KEY, name varchar(20) DEFAULT 'x' NOT NULL); CREATE TABLE other.t (id int, tags text[]);
      COMMENT ON TABLE other.t IS 'The other''s';`);
    await sync(database, { metadataHistory: 'every-sync' });
    const tables = `SELECT table_name, schema_name, table_type, comment FROM tester.postgres_table ORDER BY timestamp, schema_name`;
    const first = [
      ['t', 'other', 'BASE TABLE', "The other's"],
      ['t', 'public', 'BASE TABLE', null],
    ];
    expect((await rows(tables)).sort()).toEqual(first);
    expect(
      await rows(
        'SELECT DISTINCT column_name, data_type, column_default, is_nullable, character_max_length FROM tester.postgres_column ORDER BY ALL',
      ),
    ).toEqual([
      ['id', 'integer', null, 'NO', null],
      ['id', 'integer', null, 'YES', null],
      ['name', 'character varying', "'x'::character varying", 'NO', 20],
      ['tags', 'ARRAY', null, 'YES', null],
    ]);
    await sync(database, { metadataHistory: 'every-sync' });
    expect((await rows(tables)).sort()).toEqual([...first, ...first].sort());
    expect(await rows('SELECT count(*), count(DISTINCT (table_name, timestamp)) FROM tester.postgres_table')).toEqual([
      [4n, 4n],
    ]);
    expect(
      await rows('SELECT count(*), count(DISTINCT (table_name, column_name, timestamp)) FROM tester.postgres_column'),
    ).toEqual([[8n, 8n]]);
  });

  withRanges(test)(
    'what another server says behind a pooler, which lags, does not prove that a table is unchanged',
    async () => {
      const { client } = database;
      await client.query(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b'); ANALYZE",
      );
      await sync(database, { syncMode: 'xmin' });
      await client.query("UPDATE t SET v = 'c' WHERE id = 2");
      const query = Reflect.get<Session, 'query'>(Session.prototype, 'query');
      let asked = 0;
      const spy = jest.spyOn(Session.prototype, 'query').mockImplementation(async function (
        this: Session,
        sql,
        options,
      ) {
        if (!sql.startsWith('SELECT n, c, f')) return await query.call(this, sql, options);
        asked += 1;
        const zone = (name: string): string => `SELECT pg_catalog.set_config('TimeZone', '${name}', false)`;
        await query.call(this, zone('Asia/Tokyo'), options);
        const answer = await query.call(this, sql, options);
        await query.call(this, zone('UTC'), options);
        return answer.map((row) => ({ ...row, c: '0' }));
      });
      try {
        expect((await sync(database, { syncMode: 'xmin' })).failures).toEqual({});
      } finally {
        spy.mockRestore();
      }
      expect(asked).toBe(1);
      await withWarehouse(database, async (warehouse) => {
        expect(await compareTable(client, warehouse, { schema: 'public', name: 't' })).toEqual(same(2));
      });
    },
  );
});
