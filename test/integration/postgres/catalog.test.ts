/** Discovery reads the catalog part by part: every table is found once, with its columns, wherever the parts end. */
import { openSource } from '../../../src/app/source-connection';
import { discover, type Catalog } from '../../../src/postgres/catalog/catalog';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };
const PARTITIONS = 600;
const SMALL_TABLES = 250;

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

/** What is found, and with how many statements. */
async function discovered(): Promise<{ catalog: Catalog; statements: number }> {
  const manager = openSource(settingsFor(database), SILENT, 1);
  try {
    const session = await manager.lease();
    const spy = jest.spyOn(session, 'query');
    const catalog = await discover(session, undefined);
    await manager.release(session);
    return { catalog, statements: spy.mock.calls.length };
  } finally {
    await manager.close();
  }
}

it('a database of few tables takes one statement', async () => {
  await database.client.query('CREATE TABLE one (id int PRIMARY KEY, v text)');
  const { catalog, statements } = await discovered();
  expect(catalog.tables.map(({ name, primaryKey, columns }) => [name, primaryKey, columns.length])).toEqual([
    ['one', ['id'], 2],
  ]);
  expect(statements).toBe(1);
});

it('an empty database has none', async () => {
  const { catalog, statements } = await discovered();
  expect([catalog.tables, statements]).toEqual([[], 1]);
});

it('tables of many columns, many partitions and many tables are found across parts', async () => {
  const { client } = database;
  const wide = Array.from({ length: 1_590 }, (_, column) => `c${column} bool`).join(', ');
  await client.query(`CREATE TYPE mood AS ENUM ('fine', 'well'); CREATE TABLE first (id int PRIMARY KEY, m mood)`);
  await client.query(
    `CREATE TABLE wide (id int PRIMARY KEY, ${wide}); CREATE TABLE parted (id int, v int) PARTITION BY LIST (id)`,
  );
  await client.query(
    `DO $$ BEGIN FOR i IN 1..${PARTITIONS} LOOP
       EXECUTE format('CREATE TABLE part_%s PARTITION OF parted FOR VALUES IN (%s)', i, i); END LOOP; END $$`,
  );
  await client.query(
    `DO $$ BEGIN FOR i IN 1..${SMALL_TABLES} LOOP
       EXECUTE format('CREATE TABLE small_%s (id int PRIMARY KEY, a text, b text)', lpad(i::text, 3, '0')); END LOOP; END $$`,
  );
  await client.query(`CREATE TABLE last (id int PRIMARY KEY, m mood)`);
  const { catalog, statements } = await discovered();
  const { tables } = catalog;
  const small = Array.from({ length: SMALL_TABLES }, (_, at) => [`small_${String(at + 1).padStart(3, '0')}`, 3, 1]);
  expect(tables.map(({ name, columns, relations }) => [name, columns.length, relations.length])).toEqual([
    ['first', 2, 1],
    ['last', 2, 1],
    ['parted', 2, PARTITIONS],
    ...small,
    ['wide', 1_591, 1],
  ]);
  for (const name of ['first', 'last'])
    expect(tables.find((table) => table.name === name)?.columns[1]?.labels).toEqual(['fine', 'well']);
  // Parts of 1,500 columns and 500 tables, not a statement a table.
  expect(statements).toBeGreaterThan(4);
  expect(statements).toBeLessThan(10);
});
