import { rmSync } from 'node:fs';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, serverMajor, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

/** Virtual columns and named NOT NULLs are new there. */
const AT_18 = serverMajor() >= 18;

const TABLES: Readonly<Record<string, string>> = {
  empty: 'CREATE TABLE empty (id int PRIMARY KEY, v text)',
  all_null: `CREATE TABLE all_null (a int, b text, c timestamptz, d jsonb);
    INSERT INTO all_null SELECT FROM generate_series(1, 40)`,
  bloated: `CREATE TABLE bloated (id int PRIMARY KEY, v text);
    INSERT INTO bloated SELECT i, repeat('v', 400) FROM generate_series(1, 20000) i;
    DELETE FROM bloated WHERE id % 997 <> 0`,
  full_of_holes: `CREATE TABLE full_of_holes (id int PRIMARY KEY, v int);
    INSERT INTO full_of_holes SELECT i, i FROM generate_series(1, 3000) i;
    DELETE FROM full_of_holes WHERE id % 3 = 0; UPDATE full_of_holes SET v = -v WHERE id % 5 = 0;
    DELETE FROM full_of_holes WHERE id < 1000`,
  emptied: `CREATE TABLE emptied (id int PRIMARY KEY);
    INSERT INTO emptied SELECT generate_series(1, 5000); DELETE FROM emptied`,
  dropped_columns: `CREATE TABLE dropped_columns (id int PRIMARY KEY, gone text, v text);
    INSERT INTO dropped_columns SELECT i, 'x', 'v' || i FROM generate_series(1, 30) i;
    ALTER TABLE dropped_columns DROP gone; ALTER TABLE dropped_columns ADD late int DEFAULT 7, ADD later text;
    INSERT INTO dropped_columns VALUES (31, 'w', NULL, 'l')`,
  unlogged: `CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, v text);
    INSERT INTO unlogged SELECT i, i::text FROM generate_series(1, 30) i`,
  generated: `CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, stored int GENERATED ALWAYS AS (a * 2) STORED${AT_18 ? ", virtual text GENERATED ALWAYS AS ('<' || a::text || '>') VIRTUAL" : ''});
    INSERT INTO generated (a) SELECT i FROM generate_series(1, 30) i; INSERT INTO generated (a) VALUES (NULL)`,
  domains: `CREATE DOMAIN amount AS numeric(8,3) NOT NULL; CREATE DOMAIN small_amount AS amount CHECK (value < 100);
    CREATE DOMAIN code AS varchar(5); CREATE DOMAIN codes AS code[]; CREATE DOMAIN moment AS timestamptz;
    CREATE TABLE domains (id int PRIMARY KEY, a amount, b small_amount, c code, d codes, e moment);
    INSERT INTO domains SELECT i, i * 1.001, i / 2.0, CASE WHEN i % 3 <> 0 THEN 'c' || i END, ARRAY['x', NULL]::code[], now() FROM generate_series(1, 30) i`,
  without_key: `CREATE TABLE without_key (a int, b text); INSERT INTO without_key SELECT i % 5, NULL FROM generate_series(1, 60) i`,
  // NOT NULL of a sort that does not keep NULL out: of rows that were there, and of a child's rows.
  not_null_later: `CREATE TABLE not_null_later (id int PRIMARY KEY, v text, n int);
    INSERT INTO not_null_later SELECT i, CASE WHEN i % 2 = 0 THEN 'v' END, NULL FROM generate_series(1, 30) i;
    ${AT_18 ? 'ALTER TABLE not_null_later ADD CONSTRAINT v_given NOT NULL v NOT VALID, ADD CONSTRAINT n_given NOT NULL n NOT VALID' : ''}`,
  parent: `CREATE TABLE parent (id int PRIMARY KEY, v text${AT_18 ? ', CONSTRAINT v_given NOT NULL v NO INHERIT' : ''});
    CREATE TABLE child (extra int) INHERITS (parent); CREATE TABLE second_parent (w int);
    CREATE TABLE grandchild (more text) INHERITS (child, second_parent);
    INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 30) i; INSERT INTO child SELECT i, 'c' || i, i FROM generate_series(1, 30) i;
    INSERT INTO grandchild (id, v, w) SELECT i, NULL, i FROM generate_series(100, 130) i`,
  child: '',
  grandchild: '',
  second_parent: '',
  tree: `CREATE TABLE tree (id int, region text, at date, v text, PRIMARY KEY (id, region, at)) PARTITION BY LIST (region);
    CREATE TABLE tree_eu PARTITION OF tree FOR VALUES IN ('eu') PARTITION BY RANGE (at);
    CREATE TABLE tree_eu_old PARTITION OF tree_eu FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
    CREATE TABLE tree_eu_rest PARTITION OF tree_eu DEFAULT;
    CREATE TABLE tree_rest PARTITION OF tree DEFAULT;
    CREATE TABLE tree_us (v text, note_gone int, at date NOT NULL, id int NOT NULL, region text NOT NULL);
    ALTER TABLE tree_us DROP note_gone; ALTER TABLE tree ATTACH PARTITION tree_us FOR VALUES IN ('us');
    CREATE TABLE tree_empty PARTITION OF tree FOR VALUES IN ('xx');
    INSERT INTO tree SELECT i, (ARRAY['eu', 'us', 'asia'])[1 + i % 3], date '2010-01-01' + i * 10, 'v' || i FROM generate_series(1, 900) i`,
  no_partitions: 'CREATE TABLE no_partitions (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)',
  summary: `CREATE MATERIALIZED VIEW summary AS SELECT region, count(*) AS n, max(at) AS latest, NULL::text AS nothing FROM tree GROUP BY region`,
  unfilled: '',
  row_ids: `CREATE TABLE row_ids (rowid int, copy int, id int, v text);
    INSERT INTO row_ids SELECT 1, i % 2, NULL, 'same' FROM generate_series(1, 40) i`,
  // The aliases of every statement the product writes, on both sides.
  aliases: `CREATE TABLE aliases (t int PRIMARY KEY, n int, k text, b text, x int, p int, q int, c0 text, c1 text, l int, v text, s0 int, tester int, r text, j text);
    INSERT INTO aliases SELECT i, -i, 'k' || i, NULL, i, i, i, 'c0', 'c1', i, '', i, i, 'r', 'j' FROM generate_series(1, 30) i`,
  never_analyzed: '',
};

describe('tables of every kind', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    for (const [name, sql] of Object.entries(TABLES))
      await database.client.query(sql).catch((error: unknown) => {
        throw new Error(`${name}: ${String(error)}`);
      });
    await database.client.query('ANALYZE');
    await database.client.query(`
      CREATE TABLE never_analyzed (id int PRIMARY KEY, v text);
      INSERT INTO never_analyzed SELECT i, 'v' || i FROM generate_series(1, 7000) i;
      CREATE TABLE no_columns (); INSERT INTO no_columns SELECT FROM generate_series(1, 12);
      CREATE MATERIALIZED VIEW unfilled AS SELECT 1 AS one WITH NO DATA;
      CREATE VIEW not_a_table AS SELECT 1 AS one;
      CREATE TEMP TABLE elsewhere (id int);
    `);
    await database.client.query('REFRESH MATERIALIZED VIEW unfilled');
  });
  afterAll(() => database.drop());

  describe.each([{ batchRows: 7 }, { batchRows: 5_000 }])('in batches of $batchRows', ({ batchRows }) => {
    beforeAll(async () => {
      rmSync(`${database.folder}/warehouse.db`, { force: true });
      const { failures } = await sync(database, { customBatchSize: batchRows });
      expect(failures).toEqual({});
    });

    test.each(Object.keys(TABLES))('%s', async (name) => {
      await withWarehouse(database, async (warehouse) => {
        // DuckDB numbers rows under this name, so the column must have another.
        const renamed = name === 'row_ids' ? { rowid: 'rowid_2' } : {};
        const comparison = await compareTable(database.client, warehouse, { schema: 'public', name, renamed });
        expect(comparison).toEqual(same(comparison.rows));
        expect(comparison.rows > 0).toBe(!['empty', 'emptied', 'no_partitions'].includes(name));
      });
    });

    test('a table without columns keeps its number of rows', async () => {
      await withWarehouse(database, async (warehouse) => {
        const rows = 'SELECT count(*), count(DISTINCT _fivetran_id) FROM tester.source_public_no_columns';
        expect(await warehouse.rows(rows)).toEqual([[12n, 12n]]);
      });
    });

    test('partitions are part of their table only, and views and temporary tables are none', async () => {
      await withWarehouse(database, async (warehouse) => {
        const tables = await warehouse.rows(
          "SELECT replace(table_name, 'source_public_', '') FROM information_schema.tables WHERE table_schema = 'tester' AND table_name LIKE 'source%'",
        );
        expect(tables.flat().sort()).toEqual([...Object.keys(TABLES), 'no_columns'].sort());
      });
    });

    test('copies of a row without key have identities of their own, even where columns have the names that DuckDB uses', async () => {
      await withWarehouse(database, async (warehouse) => {
        for (const name of ['without_key', 'row_ids', 'all_null', 'parent']) {
          const [counts] = await warehouse.rows(
            `SELECT count(*) - count(DISTINCT _fivetran_id) FROM tester.source_public_${name}`,
          );
          expect([name, counts]).toEqual([name, [0n]]);
        }
      });
    });
  });

  test('rows that come between discovery and reading are read too', async () => {
    const grown = await createDatabase();
    try {
      await grown.client.query(`
        CREATE TABLE tiny (id int PRIMARY KEY, v text); INSERT INTO tiny VALUES (1, 'one');
        CREATE TABLE nothing (id int PRIMARY KEY, v text);
        CREATE TABLE longer (id int PRIMARY KEY, v text); INSERT INTO longer SELECT i, 'v' FROM generate_series(1, 9000) i;
        ANALYZE;
      `);
      const { failures } = await sync(
        grown,
        {},
        {
          beforeReading: async () => {
            await grown.client.query(`
              INSERT INTO tiny SELECT i, repeat('v', 100) FROM generate_series(2, 30000) i;
              INSERT INTO nothing SELECT i, 'v' FROM generate_series(1, 12000) i;
              INSERT INTO longer SELECT i, 'w' FROM generate_series(9001, 30000) i; DELETE FROM longer WHERE id < 5000;
            `);
          },
        },
      );
      expect(failures).toEqual({});
      await withWarehouse(grown, async (warehouse) => {
        for (const [name, rows] of [
          ['tiny', 30_000],
          ['nothing', 12_000],
          ['longer', 25_001],
        ] as const)
          expect(await compareTable(grown.client, warehouse, { schema: 'public', name })).toEqual(same(rows));
      });
    } finally {
      await grown.drop();
    }
  });

  test('300 tables in one sync', async () => {
    const many = await createDatabase();
    try {
      await many.client.query(`DO $$ BEGIN FOR i IN 1 .. 300 LOOP
        EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text); INSERT INTO t%1$s SELECT g, %L || g FROM generate_series(1, %s) g', i, 'table ' || i, i % 7);
      END LOOP; END $$; ANALYZE`);
      const { report, failures } = await sync(many);
      expect(failures).toEqual({});
      expect(report.tables).toHaveLength(300);
      await withWarehouse(many, async (warehouse) => {
        for (let number = 1; number <= 300; number += 1) {
          const table = { schema: 'public', name: `t${number}` };
          expect({ table, ...(await compareTable(many.client, warehouse, table)) }).toEqual({
            table,
            ...same(number % 7),
          });
        }
      });
    } finally {
      await many.drop();
    }
  });
});
