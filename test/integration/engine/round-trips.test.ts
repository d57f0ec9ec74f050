/** What a sync costs far away from its server: round trips a sync, a table and a batch. They do not depend on the machine. */
import type { Settings } from '../../../src/config/settings';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { countRoundTrips, type TripCounter } from '../../helpers/round-trips';
import { sync } from '../sync';

let database: TestDatabase;
let counter: TripCounter;
beforeEach(async () => {
  database = await createDatabase();
  counter = await countRoundTrips(database);
});
afterEach(async () => {
  await counter.close();
  await database.drop();
});

interface Trips {
  /** The round trips of the connection that had most of them, one after the other. */
  readonly most: number;
  readonly all: number;
}

/** One sync as if 50 ms away; `warehouse` names the file. */
async function tripsOf(
  warehouse: string,
  settings: Partial<Settings> = {},
): Promise<Trips & { readonly rows: number }> {
  counter.take();
  const { host, port } = counter;
  const warehousePath = `${database.folder}/${warehouse}.db`;
  const { report, failures } = await sync(database, { host, port, warehousePath, ...settings }, { roundTripMs: 50 });
  expect(failures).toEqual({});
  const counts = counter.take();
  return { most: Math.max(...counts), all: counts.reduce((sum, count) => sum + count, 0), rows: report.rows };
}

async function createRows(name: string, rows: number): Promise<void> {
  await database.client.query(`
    CREATE TABLE ${name} AS SELECT i AS id, 'value ' || i AS v, i / 7.0 AS w FROM generate_series(1, ${rows}) i;
    ALTER TABLE ${name} ADD PRIMARY KEY (id)`);
  await database.client.query(`VACUUM (ANALYZE) ${name}`);
  await allOlderEnded(database.client);
}

test('a sync of unchanged rows takes 12 round trips, 8 of them for the login and the catalog', async () => {
  await createRows('few', 20_000);
  await createRows('many', 200_000);
  const most: number[] = [];
  for (const table of ['few', 'many']) {
    const settings: Partial<Settings> = { tableFilters: [`public.${table}`], syncMode: 'auto' };
    await tripsOf(table, settings);
    const { most: trips, rows } = await tripsOf(table, settings);
    expect(rows).toBe(0);
    most.push(trips);
  }
  // BEGIN, the snapshot and COMMIT; the changes in one batch, and many blocks in a second.
  expect(most[0]).toBeLessThanOrEqual(12);
  expect(most[1]).toBeLessThanOrEqual(13);
});

test('each further batch takes one round trip', async () => {
  await createRows('less', 50_000);
  await createRows('more', 450_000);
  const less = await tripsOf('less', { tableFilters: ['public.less'], customThreads: 1 });
  const more = await tripsOf('more', { tableFilters: ['public.more'], customThreads: 1 });
  expect([less.rows, more.rows]).toEqual([50_000, 450_000]);
  // Batches of 17,500 rows, two in a partition; one more has the server keep its memory.
  const batches = 400_000 / 17_500;
  expect(more.all - less.all).toBeLessThanOrEqual(Math.ceil(batches * 1.15) + 2);
});

test('64 further small tables take three round trips', async () => {
  const create = async (from: number, to: number): Promise<void> => {
    for (let i = from; i <= to; i += 1)
      await database.client.query(`CREATE TABLE small_${i} (id int PRIMARY KEY, v text);
        INSERT INTO small_${i} SELECT j, 'value ' || j FROM generate_series(1, 10) j`);
    await database.client.query('ANALYZE');
  };
  await create(1, 20);
  const few = await tripsOf('few');
  await create(21, 148);
  const many = await tripsOf('many');
  expect([few.rows, many.rows]).toEqual([200, 1_480]);
  // Two for their statement, and one more for a part of the catalog.
  expect(many.all - few.all).toBeLessThanOrEqual(6);
});
