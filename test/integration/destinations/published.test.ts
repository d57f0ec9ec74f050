/** Copies of the warehouse file for readers. */
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStatus } from '../../../src/app/status';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { openWarehouse } from '../../helpers/warehouse-access';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 0)');
});
afterEach(() => database.drop());

const folder = (): string => join(database.folder, 'published');
const settings = (): { publishPath: string; publishKeep: number; syncMode: 'auto' } => ({
  publishPath: folder(),
  publishKeep: 2,
  syncMode: 'auto',
});
const copies = (): string[] => readdirSync(folder()).filter((name) => /^warehouse-.*\.db$/.test(name));

it('a sync that changed anything leaves a copy, which stays as it is while a reader has it', async () => {
  await sync(database, settings());
  const link = join(folder(), 'warehouse.db');
  const first = readlinkSync(link);
  const reader = await openWarehouse(join(folder(), first));
  const valueOf = async (): Promise<unknown> => (await reader.rows('SELECT v FROM tester.source_public_t'))[0]?.[0];
  for (let round = 1; round <= 3; round += 1) {
    await database.client.query(`UPDATE t SET v = ${round}`);
    await sync(database, settings());
    expect(await valueOf()).toBe(0);
  }
  reader.close();
  expect(copies()).toHaveLength(2);
  expect(copies()).not.toContain(first);
  const last = await openWarehouse(link);
  expect(await last.rows('SELECT v FROM tester.source_public_t')).toEqual([[3]]);
  last.close();
  expect((await readStatus(settingsFor(database, settings()))).published).toBe(join(folder(), readlinkSync(link)));
});

withRanges(it)('a sync that changed nothing leaves none', async () => {
  await sync(database, settings());
  await sync(database, settings());
  expect(copies()).toHaveLength(1);
});

it('a folder that cannot be used costs a warning, not the sync', async () => {
  writeFileSync(folder(), 'a file');
  const { lines, failures } = await sync(database, settings());
  expect(failures).toEqual({});
  expect(lines.join('\n')).toMatch(/WARNING No copy of .* could be published in /);
});
