import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

describe('large values and wide tables', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  async function syncAndCompare(name: string, rows: number): Promise<void> {
    await database.client.query('ANALYZE');
    const { failures } = await sync(database, { tableFilters: [`public.${name}`] });
    expect(failures).toEqual({});
    await withWarehouse(database, async (warehouse) => {
      expect(await compareTable(database.client, warehouse, { schema: 'public', name })).toEqual(same(rows));
    });
    await database.client.query(`DROP TABLE ${name}`);
  }

  test('a text of 50 MB arrives whole, among small ones', async () => {
    await database.client.query(`
      CREATE TABLE book (id int PRIMARY KEY, body text);
      INSERT INTO book SELECT i, 'chapter ' || i FROM generate_series(1, 500) i;
      UPDATE book SET body = repeat((SELECT string_agg(md5(i::text), E'\\n') || '😀' FROM generate_series(1, 50000) i), 31) WHERE id = 250;
    `);
    const { rows } = await database.client.query<{ bytes: number }>(
      'SELECT max(octet_length(body)) AS bytes FROM book',
    );
    expect(rows[0]?.bytes).toBeGreaterThan(49_000_000);
    await syncAndCompare('book', 500);
  });

  test('rows of 20 MB arrive among rows of a few bytes, and text that compresses to nothing among both', async () => {
    await database.client.query(`
      CREATE TABLE mixed (id int PRIMARY KEY, body text, other text);
      INSERT INTO mixed SELECT i, CASE WHEN i % 500 = 0 THEN repeat(md5(i::text), 640000) ELSE md5(i::text) END,
        CASE WHEN i % 600 = 1 THEN repeat('z', 20000000) END FROM generate_series(1, 1000) i;
      ANALYZE mixed`);
    const { failures } = await sync(database, { tableFilters: ['public.mixed'] });
    expect(failures).toEqual({});
    // Digests, since @duckdb/node-api 1.5.5-r.5 takes half a minute and many gigabytes to hand such values over.
    const digests = 'SELECT id, md5(body) AS body, md5(other) AS other FROM';
    const { rows } = await database.client.query<Record<string, unknown>>(`${digests} mixed ORDER BY id`);
    await withWarehouse(database, async (warehouse) => {
      const copied = await warehouse.rows(`${digests} tester.source_public_mixed ORDER BY id`);
      expect(copied).toEqual(rows.map(({ id, body, other }) => [id, body, other]));
    });
    await database.client.query('DROP TABLE mixed');
  });

  // DuckDB takes 2,048 values of a column into memory at once: here 205 MB, more than it is given for narrow rows.
  test('thousands of texts of 100 kB arrive whole', async () => {
    await database.client.query(`
      CREATE TABLE scans (id int PRIMARY KEY, body text);
      ALTER TABLE scans ALTER body SET STORAGE external;
      INSERT INTO scans SELECT i, repeat(md5(i::text), 3125) FROM generate_series(1, 2100) i;
      ANALYZE scans`);
    const { failures } = await sync(database, { tableFilters: ['public.scans'] });
    expect(failures).toEqual({});
    const digest = "SELECT count(*) || ' ' || md5(string_agg(md5(body), '' ORDER BY id)) AS digest FROM";
    const { rows } = await database.client.query<{ digest: string }>(`${digest} scans`);
    await withWarehouse(database, async (warehouse) => {
      expect(await warehouse.rows(`${digest} tester.source_public_scans`)).toEqual([[rows[0]?.digest]]);
    });
    await database.client.query('DROP TABLE scans');
  });

  test.each([1_000, 1_600])('a table of %i columns arrives whole', async (columns) => {
    const types = ['int', 'text', 'numeric(6,2)', 'boolean', 'date', 'text'];
    const values = [
      'i',
      `'v' || i % 7`,
      'i / 4.0',
      'i % 2 = 0',
      `date '2020-01-01' + i`,
      `CASE i % 3 WHEN 0 THEN '' END`,
    ];
    // The row of a page has room for about five bytes a column.
    const kinds = columns > 1_000 ? [3, 5] : [0, 1, 2, 3, 4, 5];
    const kind = (index: number): number => kinds[index % kinds.length] ?? 0;
    const numbers = Array.from({ length: columns }, (_, index) => index);
    await database.client.query(
      `CREATE TABLE wide_${columns} (${numbers.map((index) => `c${index} ${types[kind(index)] ?? ''}`).join(', ')})`,
    );
    await database.client.query(
      `INSERT INTO wide_${columns} SELECT ${numbers.map((index) => values[kind(index)]).join(', ')} FROM generate_series(1, 60) i`,
    );
    await syncAndCompare(`wide_${columns}`, 60);
  });
});
