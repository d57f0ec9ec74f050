import { findWork } from '../../../src/app/find-work';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { inLake } from '../../helpers/lake-world';
import { sync } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

it('finds what must be read, and proves the rest unchanged without reading it', async () => {
  const sql = (text: string): Promise<unknown> => database.client.query(text);
  await sql(`CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT i, 'x' FROM generate_series(1, 1000) i;
    CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b SELECT i, 'x' FROM generate_series(1, 10) i;
    CREATE TABLE "odd*name" (id int PRIMARY KEY); ANALYZE`);
  const settings = settingsFor(database, inLake(database));
  const look = () =>
    findWork(settings, { logger: SILENT, signal: new AbortController().signal, observer: {}, amongOthers: true });
  const first = await look();
  expect(first.tables.map(({ key, firstLoad }) => [key, firstLoad])).toEqual(
    expect.arrayContaining([
      ['public.a', true],
      ['public.b', true],
      ['public.odd*name', true],
    ]),
  );
  expect(first).toMatchObject({ unchanged: 0, followsLog: false });
  // One of them by its exact name.
  const selection = {
    includesTable: ({ name }: { readonly name: string }) => name === 'odd*name',
    includesColumn: () => true,
  };
  await sync(database, inLake(database), { selection, amongOthers: true });
  expect((await look()).tables.map(({ key }) => key).sort()).toEqual(['public.a', 'public.b']);
  await sync(database, inLake(database));
  await sql('UPDATE b SET v = NULL WHERE id = 3');
  const second = await look();
  expect(second.tables.map(({ key, firstLoad }) => [key, firstLoad])).toEqual([['public.b', false]]);
  expect(second.unchanged).toBe(2);
});
