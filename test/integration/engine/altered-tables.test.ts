/** What changes a table's values without touching a row, or moves rows while they are read. */
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, serverMajor, type TestDatabase } from '../../helpers/postgres';
import { sync, type Hooks, type SyncOutcome } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const changes = (hooks: Hooks = {}): Promise<SyncOutcome> => sync(database, { syncMode: 'xmin' }, hooks);

async function expectSame(name: string, rows: number): Promise<void> {
  await withWarehouse(database, async (warehouse) => {
    expect(await compareTable(database.client, warehouse, { schema: 'public', name })).toEqual(same(rows));
  });
}

describe('between two syncs, without a change to any row', () => {
  const SETUP = `
    CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a int, m mood); CREATE DOMAIN feelings AS mood[];
    CREATE TABLE t (id int PRIMARY KEY, a text, b text, m mood, p pair, f feelings${serverMajor() >= 18 ? ', v int GENERATED ALWAYS AS (id * 2) VIRTUAL' : ''});
    INSERT INTO t SELECT i, 'a' || i, 'b' || i, 'sad', ROW(i, 'sad'::mood)::pair, '{sad,happy}' FROM generate_series(1, 300) i`;

  const CASES: [name: string, sql: string, said: RegExp][] = [
    [
      'two columns exchange their names',
      'ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME c TO b',
      /column a is another one of that name, by being renamed or added anew/,
    ],
    [
      'a column is dropped and added again',
      'ALTER TABLE t DROP b; ALTER TABLE t ADD b text',
      /column b is another one of that name/,
    ],
    ['a label of an enum is renamed', `ALTER TYPE mood RENAME VALUE 'sad' TO 'gloomy'`, /labels of an enum/],
    [
      'an attribute of a composite type is renamed',
      'ALTER TYPE pair RENAME ATTRIBUTE a TO number',
      /column p has another composite type or expression/,
    ],
    [
      'an attribute is added to a composite type',
      'ALTER TYPE pair ADD ATTRIBUTE more text',
      /column p has another composite type or expression/,
    ],
  ];
  if (serverMajor() >= 18)
    CASES.push([
      'a virtual column has another expression',
      'ALTER TABLE t ALTER v SET EXPRESSION AS (id * 3)',
      /column v has another composite type or expression/,
    ]);

  test.each(CASES)('%s: the table is loaded again', async (_, change, said) => {
    await database.client.query(SETUP);
    await changes();
    await database.client.query(change);
    const { lines, failures } = await changes();
    expect(failures).toEqual({});
    expect(lines.join('\n')).toMatch(said);
    await expectSame('t', 300);
    // Once only.
    expect((await changes()).lines.join('\n')).not.toContain('has changed');
  });

  test('a label that is added, and a column that may no longer be NULL, are no reason to load it again', async () => {
    await database.client.query(SETUP);
    await changes();
    await database.client.query(`ALTER TYPE mood ADD VALUE 'proud' BEFORE 'sad'`);
    await database.client.query(`UPDATE t SET m = 'proud' WHERE id = 7; ALTER TABLE t ALTER a SET NOT NULL`);
    expect((await changes()).lines.join('\n')).not.toContain('has changed');
    await expectSame('t', 300);
    await database.client.query(`ALTER TYPE mood RENAME VALUE 'proud' TO 'vain'`);
    expect((await changes()).lines.join('\n')).toContain('has changed');
    await expectSame('t', 300);
  });
});

describe('between discovery and reading', () => {
  const PARTITIONED = `
    CREATE TABLE p (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
    CREATE TABLE p3 (LIKE p INCLUDING ALL);
    INSERT INTO p SELECT i, '2024-01-15', 'one' FROM generate_series(1, 6000) i;
    INSERT INTO p SELECT i, '2024-02-15', 'two' FROM generate_series(1, 6000) i;
    INSERT INTO p3 SELECT i, '2024-03-15', 'three' FROM generate_series(1, 700) i; ANALYZE`;
  const ATTACH = `ALTER TABLE p ATTACH PARTITION p3 FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')`;
  const during = (change: string): Hooks => ({
    beforeReading: async () => {
      for (const statement of change.split('; ')) await database.client.query(statement);
    },
  });

  test.each([
    ['attached', ATTACH, 12_700],
    ['detached', 'ALTER TABLE p DETACH PARTITION p1', 6_000],
    [
      'detached, and its rows written to another',
      `ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p DETACH PARTITION p2; CREATE TABLE p9 PARTITION OF p DEFAULT; INSERT INTO p SELECT * FROM p1`,
      6_000,
    ],
    ['attached and detached', `${ATTACH}; ALTER TABLE p DETACH PARTITION p2`, 6_700],
  ])('a partition is %s', async (_, change, rows) => {
    await database.client.query(PARTITIONED);
    expect((await sync(database, { customBatchSize: 900 }, during(change))).failures).toEqual({});
    await expectSame('p', rows);
    expect((await sync(database, { customBatchSize: 900 })).failures).toEqual({});
    await expectSame('p', rows);
  });

  test('a partition is attached in a sync of changes, and one detached', async () => {
    await database.client.query(PARTITIONED);
    await changes();
    const change = `${ATTACH}; ALTER TABLE p DETACH PARTITION p1; UPDATE p SET v = 'changed' WHERE id < 10`;
    expect((await changes(during(change))).failures).toEqual({});
    await expectSame('p', 6_700);
  });

  test('a partition is detached while others are read: the table is as of its snapshot, and right after the next sync', async () => {
    await database.client.query(PARTITIONED);
    const other = await database.connect();
    let detached: Promise<unknown> = Promise.resolve();
    const { failures } = await sync(
      database,
      { customBatchSize: 300, customThreads: 1 },
      {
        beforeWrite: (batch) => {
          if (batch === 3) detached = other.query('ALTER TABLE p DETACH PARTITION p2');
          return Promise.resolve();
        },
      },
    );
    await detached;
    expect(failures).toEqual({});
    await sync(database);
    await expectSame('p', 6_000);
  });

  test.each([
    ['a column takes a finer type', 'ALTER TABLE t ALTER price TYPE numeric(12,4); UPDATE t SET price = 1.2345'],
    [
      'two columns exchange their names',
      'ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME c TO b',
    ],
    ['a column is dropped', 'ALTER TABLE t DROP b'],
  ])('%s: nothing is kept of what would be wrong, and the next sync follows', async (_, change) => {
    for (const rows of [200, 9_000]) {
      await database.client.query(`
        DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, price numeric(10,2), a text, b text);
        INSERT INTO t SELECT i, i / 4.0, 'a', 'b' FROM generate_series(1, ${rows}) i; ANALYZE`);
      const { failures } = await sync(database, {}, during(change));
      expect(failures['public.t']).toMatch(/altered after discovery.* [Rr]un the sync again\.$/);
      expect((await sync(database)).failures).toEqual({});
      await withWarehouse(database, async (warehouse) => {
        const [row] = await warehouse.rows(`SELECT count(*) FROM tester.source_public_t WHERE NOT _fivetran_deleted`);
        expect(row).toEqual([BigInt(rows)]);
      });
    }
  });

  test('a column is added: it comes with the next sync', async () => {
    await database.client.query(
      `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 9000); ANALYZE`,
    );
    expect((await sync(database, {}, during('ALTER TABLE t ADD late int DEFAULT 7'))).failures).toEqual({});
    expect((await sync(database)).failures).toEqual({});
    await expectSame('t', 9_000);
  });
});
