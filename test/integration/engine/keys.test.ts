/** Keys whose values the warehouse could mistake for one another: rows must stay told apart, sync after sync. */
import { withWarehouse } from '../../helpers/compare';
import { createDatabase, serverMajor, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const rows = (sql: string): Promise<unknown[][]> => withWarehouse(database, (warehouse) => warehouse.rows(sql));
const MARKS = `SELECT string_agg(v || CASE WHEN _fivetran_deleted THEN ' deleted' ELSE '' END, ', ' ORDER BY v) FROM tester.source_public_`;

/** Keys by type; each table gets v = 1, 2, 3, … in their order. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  float8: ['NaN', 'Infinity', '-Infinity', '-0', '1e-320', '0.1', '0.30000000000000004', '0.3'],
  'numeric(20,5)': ['NaN', '1.5', '-1.5', '0', '0.00001'],
  numeric: ['1.50', '2', '1e60', '-1e-30', ...(serverMajor() >= 14 ? ['Infinity'] : []), 'NaN'],
  timestamptz: ['infinity', '-infinity', '0044-03-15 BC', '0044-03-15', '294276-12-31', '1800-01-01 00:00:00.000001'],
  date: ['infinity', '0044-03-15 BC', '0044-03-15', '5874897-12-31'],
  bytea: ['\\x', '\\x00', '\\x1f1d', '\\x1f'],
  int4range: ['empty', '[1,2)', '(,)', '[1,)'],
  'text[]': ['{}', '{NULL}', '{"NULL"}', '{""}'],
  text: ['', '\u001d', '\u001f', '\u001b', '\u001b1', 'a\u001b2', ' ', 'a', 'A', 'é', 'e\u0301'],
};

test.each(['full', 'xmin'] as const)(
  'keys of every kind, changed, deleted and taken back in mode %s',
  async (syncMode) => {
    const { client } = database;
    const types = Object.entries(KEYS);
    const everyTable = async (sql: string): Promise<void> => {
      for (const index of types.keys()) await client.query(sql.replaceAll('$table', `t${index}`));
    };
    for (const [index, [type, keys]] of types.entries()) {
      await client.query(`CREATE TABLE t${index} (k ${type} PRIMARY KEY, v int)`);
      await client.query(
        `INSERT INTO t${index} SELECT k::${type}, v FROM unnest($1::text[]) WITH ORDINALITY AS u(k, v)`,
        [keys],
      );
    }
    const expectMarks = async (mark: (v: number) => string | number): Promise<void> => {
      const { failures } = await sync(database, { syncMode, reconcileEvery: 1, customBatchSize: 2 });
      expect(failures).toEqual({});
      for (const [index, [type, keys]] of types.entries())
        expect([type, await rows(`${MARKS}t${index}`)]).toEqual([
          type,
          [[keys.map((_, place) => mark(place + 1)).join(', ')]],
        ]);
    };
    await expectMarks((v) => v);
    await everyTable('UPDATE $table SET v = v + 100');
    await expectMarks((v) => v + 100);
    await everyTable(
      'CREATE TABLE gone_$table AS SELECT * FROM $table WHERE v = 102; DELETE FROM $table WHERE v = 102',
    );
    await expectMarks((v) => (v === 2 ? '102 deleted' : v + 100));
    await everyTable('INSERT INTO $table SELECT * FROM gone_$table; DROP TABLE gone_$table');
    await expectMarks((v) => v + 100);
  },
  180_000,
);

describe('a key of numbers that gets a fraction', () => {
  beforeEach(async () => {
    await database.client.query(
      'CREATE TABLE t (k numeric PRIMARY KEY, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 10) i',
    );
  });

  test('and so another type: none of its rows counts as deleted', async () => {
    await sync(database);
    await database.client.query('DELETE FROM t WHERE v = 10; INSERT INTO t VALUES (9.5, 11)');
    await sync(database);
    expect(await rows(`${MARKS}t`)).toEqual([['1, 2, 3, 4, 5, 6, 7, 8, 9, 10 deleted, 11']]);
    // Text from here on.
    await database.client.query(`DELETE FROM t WHERE v = 9; INSERT INTO t VALUES ('NaN', 12)`);
    await sync(database);
    expect(await rows(`${MARKS}t`)).toEqual([['1, 2, 3, 4, 5, 6, 7, 8, 9 deleted, 10 deleted, 11, 12']]);
  });

  // Before PostgreSQL 14 a table is read whole at every sync, and its keys are never compared alone.
  if (serverMajor() >= 14) {
    test('which a comparison of keys sees first: it is not rounded into the key of a deleted row', async () => {
      await sync(database, { syncMode: 'xmin' });
      await database.client.query('DELETE FROM t WHERE v = 10; INSERT INTO t VALUES (9.5, 11)');
      const { failures } = await sync(database, { syncMode: 'xmin' }, { keysOnly: true });
      expect(failures).toEqual({});
      expect(await rows(`${MARKS}t`)).toEqual([['1, 2, 3, 4, 5, 6, 7, 8, 9, 10 deleted']]);
      await database.client.query(`DELETE FROM t WHERE v = 9; INSERT INTO t VALUES ('NaN', 12)`);
      expect((await sync(database, { syncMode: 'xmin' }, { keysOnly: true })).failures).toEqual({});
      await sync(database, { syncMode: 'xmin' });
      expect(await rows(`${MARKS}t`)).toEqual([['1, 2, 3, 4, 5, 6, 7, 8, 9 deleted, 10 deleted, 11, 12']]);
    });
  }
});

test('a key that becomes an integer column of decimals: none of its rows counts as deleted', async () => {
  await database.client.query(
    'CREATE TABLE t (k int PRIMARY KEY, v int); INSERT INTO t SELECT i, i FROM generate_series(1, 3) i',
  );
  await sync(database);
  await database.client.query('ALTER TABLE t ALTER k TYPE numeric(12,2); DELETE FROM t WHERE v = 2');
  await sync(database);
  expect(await rows(`${MARKS}t`)).toEqual([['1, 2 deleted, 3']]);
});
