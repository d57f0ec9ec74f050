/** What is in a lake's place and not the lake's: maintenance and reset leave it alone. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runMaintenance, type MaintenanceReport } from '../../../src/app/maintain';
import { renderMaintenance } from '../../../src/cli/commands/maintain';
import { accessTo } from '../../../src/destinations/registry';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { openLakeAt } from '../../helpers/warehouse-access';
import { sync } from '../sync';
import { inLake } from '../../helpers/lake-world';

const ORPHAN = 'ducklake-01900000-0000-7000-8000-000000000000.parquet';

let database: TestDatabase;
let data: string;
beforeEach(async () => {
  database = await createDatabase();
  data = join(database.folder, 'lake', 'data');
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
});
afterEach(() => database.drop());

const settings = () => settingsFor(database, inLake(database, { lakeRetentionHours: 0 }));
async function maintained(): Promise<MaintenanceReport | undefined> {
  return await runMaintenance(settings(), new AbortController().signal);
}
const names = (): readonly string[] => readdirSync(data, { recursive: true, encoding: 'utf8' });

function leave(folder: string, name: string): string {
  mkdirSync(join(data, folder), { recursive: true });
  writeFileSync(join(data, folder, name), 'x');
  return join(folder, name);
}

it('in a lake of ours, what a killed sync has left is deleted', async () => {
  await sync(database, inLake(database));
  const orphan = leave('tester/source_public_t', ORPHAN);
  expect(await maintained()).toMatchObject({ orphaned: { files: 1, bytes: 1 }, foreignFiles: [] });
  expect(names()).not.toContain(orphan);
});

it('a file that DuckLake has not named keeps all of them, and is named', async () => {
  await sync(database, inLake(database));
  const kept = [leave('tester/source_public_t', ORPHAN), leave('photos', 'holiday.parquet')];
  const report = await maintained();
  expect(report?.orphaned).toMatchObject({ files: 0 });
  expect(report?.foreignFiles).toEqual([join(data, 'photos', 'holiday.parquet')]);
  expect(names()).toEqual(expect.arrayContaining(kept));
  expect(report === undefined ? [] : renderMaintenance(report)).toContainEqual(
    expect.stringMatching(/^Kept 1 file that no snapshot has, such as .*holiday\.parquet: they may be of another lake/),
  );
});

it('a lake of another program may share its place with more lakes: nothing there is deleted', async () => {
  const catalog = settings().lakeCatalog;
  mkdirSync(join(database.folder, 'lake'));
  const [theirs, neighbour] = await Promise.all(
    [catalog, join(database.folder, 'neighbour.ducklake')].map((path) =>
      openLakeAt(path, { write: true, dataPath: data }),
    ),
  );
  await theirs?.rows('CREATE TABLE of_theirs (i int)');
  await neighbour?.rows('CREATE TABLE main.t AS SELECT * FROM range(1000)');
  theirs?.close();
  await sync(database, inLake(database));
  const before = names();
  const report = await maintained();
  expect(report?.foreignFiles.length).toBeGreaterThan(0);
  expect(report?.orphaned).toMatchObject({ files: 0 });
  expect(await neighbour?.rows('SELECT count(*)::INT FROM main.t')).toEqual([[1000]]);
  neighbour?.close();
  expect(before.filter((name) => name.startsWith('main')).every((name) => names().includes(name))).toBe(true);
  await expect(accessTo(settings()).lock()).rejects.toMatchObject({
    code: 'not_a_warehouse',
    message: expect.stringMatching(/was not made by pgsluice; nothing was deleted/) as string,
  });
});
