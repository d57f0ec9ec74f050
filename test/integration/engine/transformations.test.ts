import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

async function warehouseRows(sql: string): Promise<unknown[][]> {
  return await withWarehouse(database, (warehouse) => warehouse.rows(sql));
}

describe('the rule for orders', () => {
  beforeEach(async () => {
    await database.client.query(`
      CREATE SCHEMA other;
      CREATE TABLE public.orders (id int PRIMARY KEY, region text);
      CREATE TABLE other."Orders" (id int PRIMARY KEY, region char(8));
      CREATE TABLE public.archive_orders (id int PRIMARY KEY, region text);
      CREATE SCHEMA plain; CREATE TABLE plain.orders (id int PRIMARY KEY, "Region" text);
      CREATE SCHEMA fixed; CREATE TABLE fixed.orders (id int PRIMARY KEY, region varchar(5) NOT NULL);`);
    const regions = ['fdx55', 'weg45', 'Europe', 'Asia', null, '', 'FDX55', 'fdx55 '];
    for (const table of ['public.orders', 'other."Orders"', 'public.archive_orders', 'plain.orders'])
      await database.client.query(
        `INSERT INTO ${table} SELECT i, (ARRAY['fdx55', 'weg45', 'Europe', 'Asia', NULL, '', 'FDX55', 'fdx55 '])[1 + i % 8] FROM generate_series(0, 7) i`,
      );
    await database.client.query(`INSERT INTO fixed.orders VALUES (0, 'fdx55'), (1, 'weg45'), (2, 'x')`);
    expect(regions).toHaveLength(8);
  });
  const regionsOf = (table: string): Promise<unknown[][]> =>
    warehouseRows(`SELECT id, region FROM tester."source_${table}" ORDER BY id`);

  test('with a region: its code becomes the region, and only its rows are kept', async () => {
    expect((await sync(database, { region: 'Asia' })).failures).toEqual({});
    expect(await regionsOf('public_orders')).toEqual([
      [0, 'Asia'],
      [3, 'Asia'],
    ]);
    // This holds for character(8) too, though the blanks that fill it up would differ.
    expect(await regionsOf('other_Orders')).toEqual([
      [0, 'Asia'],
      [3, 'Asia'],
      [7, 'Asia'],
    ]);
    // A region may be longer than the column allows.
    expect(await regionsOf('fixed_orders')).toEqual([[0, 'Asia']]);
  });

  test('the rows it leaves out are those that the source shows with the same condition', async () => {
    await sync(database, { region: `It's "Europe"` });
    expect(await regionsOf('public_orders')).toEqual([[0, `It's "Europe"`]]);
    await sync(database, { region: 'Europe' });
    await withWarehouse(database, async (warehouse) => {
      const where = `region IN ('fdx55', 'weg45', 'Europe')`;
      const replaced = { region: `'Europe'::text` };
      expect(
        await compareTable(database.client, warehouse, { schema: 'public', name: 'orders', where, replaced }),
      ).toEqual(same(3));
    });
  });

  test('without a region nothing is left out, and its code stays', async () => {
    await sync(database);
    expect(await regionsOf('public_orders')).toEqual([
      [0, 'fdx55'],
      [1, 'Europe'],
      [2, 'Europe'],
      [3, 'Asia'],
      [4, null],
      [5, ''],
      [6, 'FDX55'],
      [7, 'fdx55 '],
    ]);
  });

  test('tables of other names, and orders without a region, pass whole', async () => {
    await sync(database, { region: 'Asia' });
    await withWarehouse(database, async (warehouse) => {
      for (const table of [
        { schema: 'public', name: 'archive_orders' },
        { schema: 'plain', name: 'orders' },
      ])
        expect(await compareTable(database.client, warehouse, table)).toEqual(same(8));
    });
  });

  test.each(['full', 'xmin', 'timestamp'] as const)(
    'rows that leave the region are marked deleted by the next sync, and come back with it (%s)',
    async (mode) => {
      await database.client.query(`
        ALTER TABLE public.orders ADD updated_at timestamptz NOT NULL DEFAULT now(); CREATE INDEX ON public.orders (updated_at)`);
      const settings = { region: 'Asia', tableFilters: ['public.orders'], syncMode: mode };
      const rows = 'SELECT id, region, _fivetran_deleted FROM tester.source_public_orders ORDER BY id';
      const move = (region: string): Promise<unknown> =>
        database.client.query(`UPDATE public.orders SET region = '${region}', updated_at = now() WHERE id = 3`);
      await sync(database, settings);
      await move('Mars');
      await sync(database, settings);
      expect(await warehouseRows(rows)).toEqual([
        [0, 'Asia', false],
        [3, 'Asia', true],
      ]);
      await move('fdx55');
      await sync(database, settings);
      expect(await warehouseRows(rows)).toEqual([
        [0, 'Asia', false],
        [3, 'Asia', false],
      ]);
    },
  );
});

describe("a user's module", () => {
  function moduleFile(text: string): string {
    const path = join(database.folder, `rules-${Math.random().toString(36).slice(2)}.mjs`);
    writeFileSync(path, text);
    return path;
  }

  beforeEach(async () => {
    await database.client.query(`
      CREATE TABLE people (id int PRIMARY KEY, name text, email text, born date, note text);
      INSERT INTO people SELECT i, 'Name ' || i, 'P' || i || '@Example.com', date '2000-01-01' + i, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE E'a\\x1fb\\x1d' END FROM generate_series(1, 100) i;
      CREATE TABLE secrets (id int PRIMARY KEY, v text); INSERT INTO secrets VALUES (1, 'hush');
      CREATE TABLE untouched (id int PRIMARY KEY, v text); INSERT INTO untouched VALUES (1, 'v'); ANALYZE`);
  });

  test.each([7, 5_000])(
    'columns and conditions in SQL, functions over batches, and a choice of tables; batches of %i',
    async (customBatchSize) => {
      const transformations = moduleFile(`
      export default {
        includeTable: (table) => table.name !== 'secrets',
        transformations: [
          {
            name: 'sql',
            matches: (table) => table.columns.some((column) => column.name === 'email'),
            columns: (sql) => ({ email: 'lower(' + sql.text('email') + ')', born: "left(" + sql.text('born') + ", 4)" }),
            where: (sql) => sql.text('id') + '::int % 2 = 0 AND ' + sql.text('email') + ' <> ' + sql.literal("p10@example.com"),
          },
          {
            name: 'javascript',
            matches: (table) => table.name === 'people',
            batch: ({ rows, columns }) => ({
              columns: { note: columns.note.map((note) => (note === null ? 'was null' : note === '' ? null : note + '\\u001f\\u001d')) },
              keep: Array.from({ length: rows }, (_, row) => !columns.name[row].endsWith('4')),
            }),
          },
        ],
      };`);
      const { failures } = await sync(database, { transformations, customBatchSize });
      expect(failures).toEqual({});
      await withWarehouse(database, async (warehouse) => {
        const people = {
          schema: 'public',
          name: 'people',
          where: `id % 2 = 0 AND id <> 10 AND name NOT LIKE '%4'`,
          replaced: {
            email: 'lower(email)',
            born: `left(born::text, 4)`,
            note: `CASE WHEN note IS NULL THEN 'was null' WHEN note <> '' THEN note || E'\\x1f\\x1d' END`,
          },
        };
        const types = await warehouse.rows(
          "SELECT data_type FROM information_schema.columns WHERE table_name = 'source_public_people' AND column_name = 'born'",
        );
        expect(types).toEqual([['VARCHAR']]);
        const comparison = await compareTable(database.client, warehouse, people);
        expect(comparison).toEqual(same(39));
        expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'untouched' })).toEqual(
          same(1),
        );
        expect(
          await warehouse.rows("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE '%secrets%'"),
        ).toEqual([[0n]]);
      });
    },
  );

  test('a rule that makes keys equal: the last row of each key stays', async () => {
    const transformations = moduleFile(`
      export const transformations = [
        { name: 'fold', matches: (table) => table.name === 'people', columns: (sql) => ({ id: '(' + sql.text('id') + '::int / 10)::text' }) },
      ];`);
    const { failures } = await sync(database, { transformations, tableFilters: ['public.people'] });
    expect(failures).toEqual({});
    expect(await warehouseRows('SELECT count(*), count(DISTINCT id) FROM tester.source_public_people')).toEqual([
      [11n, 11n],
    ]);
  });
});
