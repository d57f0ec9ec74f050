/** Mode log: kinds of tables and keys. In each case the copy must be the source after the next sync. */
import { withWarehouse } from '../../helpers/compare';
import { setUpLog } from '../../helpers/log-server';
import { serverMajor } from '../../helpers/postgres';
import { database, expectByLog, expectSame, follow, log, sql } from './followed-database';

describe('keys', () => {
  const values: readonly (readonly [string, string, readonly string[]])[] = [
    ['bigint', 'bigint', ['1', '-9223372036854775808', '42']],
    ['uuid', 'uuid', [`'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'`, `md5('key')::uuid`]],
    [
      'texts that need quoting',
      'text',
      [`'NULL'`, `'a,b'`, `'{}'`, `'"'`, `E'\\\\'`, `''`, `E'\\x1f'`, `E'\\x1d'`, `' ä '`],
    ],
    ['padded texts', 'character(5)', [`'a'`, `'b '`, `''`]],
    ['timestamps', 'timestamptz', [`'2024-01-01 00:00:00.000001+05'`, `'infinity'`, `'0044-03-15 BC'`]],
    ['dates', 'date', [`'5874897-12-31'`, `'-infinity'`]],
    ['bytes', 'bytea', [`'\\x00ff'`, `'\\x'`]],
    ['booleans', 'boolean', ['true', 'false']],
    ['floats', 'double precision', [`'NaN'`, '0.1', '1e300']],
    ['arrays', 'integer[]', [`'{1,2}'`, `'{}'`, `'{{1},{2}}'`]],
    ['ranges', 'int4range', [`'[1,3)'`, `'empty'`]],
    ['an enum', 'mood', [`'so, "so"'`, `'bad'`]],
    ['a domain', 'positive', ['1', '20']],
  ];
  it.each(values)('of type %s', async (_, type, keys) => {
    await sql(`CREATE TYPE mood AS ENUM ('so, "so"', 'bad'); CREATE DOMAIN positive AS int CHECK (VALUE > 0)`);
    const list = keys.map((key) => `(${key}, 'old')`).join(', ');
    const outcome = await follow(
      `CREATE TABLE t (before text, id ${type} PRIMARY KEY, v text); INSERT INTO t (id, v) VALUES ${list}`,
      `UPDATE t SET v = 'new';; DELETE FROM t WHERE id = ${keys[0] ?? ''}`,
    );
    expectByLog(outcome);
    await sql(`DELETE FROM t`);
    await log();
    await expectSame();
  });

  it('of several columns, of which some hold separators', async () => {
    const outcome = await follow(
      `CREATE TABLE t (a text, v text, b int, c uuid DEFAULT md5(random()::text)::uuid, PRIMARY KEY (b, a));
       INSERT INTO t (a, b) SELECT E'x\\x1f' || i, i % 5 FROM generate_series(1, 100) i`,
      `UPDATE t SET v = 'new' WHERE b = 1;; DELETE FROM t WHERE b = 2;; UPDATE t SET a = a || 'moved' WHERE b = 3;; UPDATE t SET b = 9 WHERE b = 4`,
    );
    expectByLog(outcome);
  });

  it('whose texts differ where their values are equal', async () => {
    const outcome = await follow(
      `CREATE TABLE t (id numeric PRIMARY KEY, v text); INSERT INTO t VALUES (1.0, 'a'), (2.00, 'b'), (3, 'c')`,
      `UPDATE t SET id = 1.00, v = 'x' WHERE id = 1;; DELETE FROM t WHERE id = 2;; INSERT INTO t VALUES (2, 'again')`,
    );
    expectByLog(outcome);
  });

  it('behind values that are longer than was guessed are read in full', async () => {
    const outcome = await follow(
      `CREATE TABLE t (body text, more text, id int PRIMARY KEY); INSERT INTO t SELECT repeat('long ', 1000), repeat('x', i), i FROM generate_series(1, 50) i`,
      `UPDATE t SET more = more || 'y' WHERE id % 2 = 0;; DELETE FROM t WHERE id = 7;; UPDATE t SET id = -id WHERE id = 9`,
    );
    expectByLog(outcome);
  });

  it('updated back and forth, and deleted and inserted again', async () => {
    const outcome = await follow(
      `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 20) i`,
      `BEGIN; UPDATE t SET id = 100 WHERE id = 1; UPDATE t SET id = 1 WHERE id = 100; UPDATE t SET id = 200 WHERE id = 2; COMMIT;;
       UPDATE t SET id = 2, v = 'back' WHERE id = 200;; DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (3, 'again');;
       INSERT INTO t VALUES (4, 'x'), (50, 'y') ON CONFLICT (id) DO UPDATE SET v = excluded.v`,
    );
    expectByLog(outcome);
  });
});

describe('tables', () => {
  it('with values that stay out of line', async () => {
    const outcome = await follow(
      `CREATE TABLE t (id int PRIMARY KEY, body text, n int); ALTER TABLE t ALTER body SET STORAGE EXTERNAL;
       INSERT INTO t SELECT i, repeat(md5(i::text), 3000), 0 FROM generate_series(1, 20) i`,
      `UPDATE t SET n = 1 WHERE id % 2 = 0;; DELETE FROM t WHERE id = 3`,
    );
    expectByLog(outcome);
  });

  it('whose replica identity is the whole row', async () => {
    const outcome = await follow(
      `CREATE TABLE t (body text, id int PRIMARY KEY, n int); ALTER TABLE t ALTER body SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
       INSERT INTO t SELECT repeat(md5(i::text), 3000), i, 0 FROM generate_series(1, 20) i`,
      `UPDATE t SET n = 1 WHERE id % 2 = 0;; DELETE FROM t WHERE id = 3;; UPDATE t SET id = 100 WHERE id = 5`,
    );
    expectByLog(outcome);
  });

  it('whose replica identity is another index that has the key', async () => {
    const outcome = await follow(
      `CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, n int); CREATE UNIQUE INDEX both_of ON t (code, id);
       ALTER TABLE t REPLICA IDENTITY USING INDEX both_of; INSERT INTO t SELECT i, 'c' || i, 0 FROM generate_series(1, 20) i`,
      `UPDATE t SET code = code || 'x' WHERE id = 2;; DELETE FROM t WHERE id = 3;; UPDATE t SET id = 100 WHERE id = 5`,
    );
    expectByLog(outcome);
  });

  it('with generated columns', async () => {
    const outcome = await follow(
      `CREATE TABLE t (twice int GENERATED ALWAYS AS (id * 2) STORED, id int PRIMARY KEY, n int); INSERT INTO t (id, n) SELECT i, i FROM generate_series(1, 20) i`,
      `UPDATE t SET n = 0 WHERE id = 2;; DELETE FROM t WHERE id = 3;; UPDATE t SET id = 100 WHERE id = 5`,
    );
    expectByLog(outcome);
  });

  it.each(serverMajor() >= 13 ? [true, false] : [false])('in partitions, named by their root: %s', async (viaRoot) => {
    await sql(`CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (100);
        CREATE TABLE t_mid (v text, gone int, id int NOT NULL); ALTER TABLE t_mid DROP COLUMN gone, ADD PRIMARY KEY (id);
        ALTER TABLE t ATTACH PARTITION t_mid FOR VALUES FROM (100) TO (200);
        CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (200) TO (1000) PARTITION BY RANGE (id);
        CREATE TABLE t_high_1 PARTITION OF t_high FOR VALUES FROM (200) TO (1000);
        INSERT INTO t SELECT i, 'v' || i FROM generate_series(0, 299) i`);
    await setUpLog(database);
    if (viaRoot) await sql('ALTER PUBLICATION pgsluice SET (publish_via_partition_root = true)');
    await log();
    await sql(`UPDATE t SET id = id + 150 WHERE id BETWEEN 40 AND 49 AND id + 150 NOT IN (SELECT id FROM t)`);
    await sql(
      `UPDATE t SET id = 500 WHERE id = 7; DELETE FROM t WHERE id BETWEEN 90 AND 110; UPDATE t SET v = 'new' WHERE id IN (1, 150, 250)`,
    );
    await sql(`UPDATE t SET id = 600 WHERE id = 150; UPDATE t SET id = 150 WHERE id = 600`);
    expectByLog(await log());
    await expectSame();
    await sql(`CREATE TABLE t_last PARTITION OF t FOR VALUES FROM (1000) TO (2000); INSERT INTO t SELECT i, 'late' FROM generate_series(1000, 1100) i;
        ALTER TABLE t DETACH PARTITION t_mid; UPDATE t SET v = 'later' WHERE id = 2`);
    await log();
    await expectSame();
    await sql(
      `INSERT INTO t_mid (id) VALUES (199) ON CONFLICT DO NOTHING; DELETE FROM t_mid WHERE id < 130; ALTER TABLE t ATTACH PARTITION t_mid FOR VALUES FROM (100) TO (200)`,
    );
    await log();
    await expectSame();
    await sql(`DELETE FROM t WHERE id = 1050; UPDATE t SET v = 'last' WHERE id = 140`);
    expectByLog(await log());
    await expectSame();
  });

  it('of which a partition was detached, changed and attached again', async () => {
    await sql(`CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (100);
      CREATE TABLE t_high PARTITION OF t DEFAULT; INSERT INTO t SELECT i, 'v' FROM generate_series(1, 200) i`);
    await setUpLog(database, serverMajor() >= 13 ? 't' : 't_low, t_high');
    if (serverMajor() >= 13) await sql('ALTER PUBLICATION pgsluice SET (publish_via_partition_root = true)');
    await log();
    await sql(`ALTER TABLE t DETACH PARTITION t_low`);
    await sql(
      `UPDATE t_low SET v = 'alone' WHERE id = 6; INSERT INTO t_low VALUES (0, 'alone'); DELETE FROM t_low WHERE id = 5`,
    );
    await sql(`ALTER TABLE t ATTACH PARTITION t_low FOR VALUES FROM (0) TO (100)`);
    await log();
    await expectSame();
    await sql(`DELETE FROM t WHERE id IN (7, 150)`);
    expectByLog(await log());
    await expectSame();
  });

  it('whose rows a rule leaves out once they have changed', async () => {
    await sql(
      `CREATE TABLE orders (id int PRIMARY KEY, region text); INSERT INTO orders SELECT i, 'eu-west' FROM generate_series(1, 10) i`,
    );
    await setUpLog(database);
    await log({ region: 'eu-west' });
    const held = (): Promise<unknown[][]> =>
      withWarehouse(database, (warehouse) =>
        warehouse.rows('SELECT count(*)::INT FROM tester.source_public_orders WHERE NOT _fivetran_deleted'),
      );
    const before = await held();
    await sql(`DELETE FROM orders WHERE id = 1`);
    await log({ region: 'eu-west' });
    expect(await held()).toEqual([[Number(before[0]?.[0]) - 1]]);
  });
});

describe('what the log does not show row by row', () => {
  const FILLED = `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 200) i`;

  const REFERRING = `CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 10000);
    ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES parent`;

  it.each<[what: string, change: string, more?: string]>([
    ['TRUNCATE', 'TRUNCATE t'],
    [
      'TRUNCATE and new rows in one transaction',
      `BEGIN; TRUNCATE t; INSERT INTO t SELECT i, 'filled' FROM generate_series(150, 400) i; COMMIT`,
    ],
    [
      'TRUNCATE CASCADE',
      `INSERT INTO t VALUES (1000, 'x');; TRUNCATE parent CASCADE;; INSERT INTO parent VALUES (5000)`,
      REFERRING,
    ],
    [
      'rows that were copied in frozen',
      `BEGIN; TRUNCATE t; COPY t (id) FROM PROGRAM 'seq 300 900' WITH (FREEZE); COMMIT`,
    ],
    ['VACUUM FULL', `DELETE FROM t WHERE id = 4;; VACUUM FULL t`],
    ['rewritten values', `ALTER TABLE t ALTER v TYPE text USING 'rewritten'`],
    [
      'a table that was made anew',
      `DROP TABLE t;; CREATE TABLE t (id int PRIMARY KEY, v text);; INSERT INTO t VALUES (5, 'other')`,
    ],
  ])('%s', async (_, change, more = 'SELECT') => {
    await follow(`${FILLED}; ${more}`, change);
    await sql(`INSERT INTO t VALUES (5000, 'and on')`);
    expectByLog(await log());
    await expectSame();
  });

  it('columns that come and go in the middle of a transaction', async () => {
    await sql(FILLED);
    await setUpLog(database);
    await log();
    await sql(`BEGIN; UPDATE t SET v = 'one' WHERE id = 1; ALTER TABLE t ADD COLUMN a int DEFAULT 3; UPDATE t SET a = 4 WHERE id = 2;
      ALTER TABLE t DROP COLUMN v; DELETE FROM t WHERE id = 3; ALTER TABLE t ADD COLUMN v text DEFAULT 'w'; INSERT INTO t VALUES (999, 1, 'z'); COMMIT`);
    await log();
    await expectSame();
    await sql(
      `BEGIN; DELETE FROM t WHERE id = 4; ALTER TABLE t ADD COLUMN tmp int; UPDATE t SET tmp = 1 WHERE id = 5; ALTER TABLE t DROP COLUMN tmp; UPDATE t SET v = 'six' WHERE id = 6; COMMIT`,
    );
    expectByLog(await log());
    await expectSame();
  });

  it('a table that was renamed', async () => {
    await sql(FILLED);
    await setUpLog(database);
    await log();
    await sql(`ALTER TABLE t RENAME TO u; DELETE FROM u WHERE id < 10`);
    await log();
    await expectSame('u');
  });

  it('a key that is another', async () => {
    await sql(
      `CREATE TABLE t (id int PRIMARY KEY, other int NOT NULL UNIQUE); INSERT INTO t SELECT i, -i FROM generate_series(1, 50) i`,
    );
    await setUpLog(database);
    await log();
    await sql(
      `ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (other); DELETE FROM t WHERE id = 3`,
    );
    await log();
    await expectSame();
    await sql(`DELETE FROM t WHERE id = 4; UPDATE t SET id = 77 WHERE id = 5`);
    expectByLog(await log());
    await expectSame();
  });
});
