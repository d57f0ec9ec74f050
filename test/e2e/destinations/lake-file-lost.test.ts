/** Somebody has deleted a file of a lake: its table fails with a sentence, all others go on, and either way out of it works. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { compareTable, same } from '../../helpers/compare';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { EXTENSIONS } from '../../helpers/settings';
import { openLakeAt } from '../../helpers/warehouse-access';

const SENTENCE =
  /A file of the lake is gone: \S+\/data\/tester\/\S*source_public_lost\/ducklake-[0-9a-f-]+\.parquet of table tester\.source_public_lost\. Restore it from a backup; without one, `pgsluice forget TABLE --drop` and then `pgsluice sync` load the table anew\./;

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase();
  folder = join(database.folder, 'lake');
  await database.client.query(`
    CREATE TABLE lost (id int PRIMARY KEY, v text); INSERT INTO lost SELECT i, 'one' FROM generate_series(1, 5000) i;
    CREATE TABLE kept (id int PRIMARY KEY, v text); INSERT INTO kept SELECT i, 'one' FROM generate_series(1, 5000) i; ANALYZE`);
});
afterAll(() => database.drop());

async function run(...args: readonly string[]): Promise<CliResult> {
  const configuration = writeConfiguration(database, {
    destination: 'ducklake',
    lake_catalog: join(folder, 'catalog.ducklake'),
    lake_extensions: EXTENSIONS,
  });
  const result = await runCli([...args, '--configuration', configuration]);
  expectPresentable(result, [database.password]);
  return result;
}

/** The files of rows that the first load of the table has written. */
function filesOfLost(): string[] {
  return readdirSync(join(folder, 'data'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /source_public_lost\/.*\.parquet$/.test(name))
    .map((name) => join(folder, 'data', name));
}

/** By a client of its own. */
async function expectSame(tables: Readonly<Record<string, number>>): Promise<void> {
  const lake = await openLakeAt(join(folder, 'catalog.ducklake'));
  try {
    for (const [name, rows] of Object.entries(tables))
      expect(await compareTable(database.client, lake, { schema: 'public', name })).toEqual(same(rows));
  } finally {
    lake.close();
  }
}

it('its table fails in each command, all others go on, and the file from the backup mends it', async () => {
  expect((await run('sync')).code).toBe(0);
  const backup = join(database.folder, 'backup');
  mkdirSync(backup);
  const lost = filesOfLost();
  expect(lost).not.toEqual([]);
  for (const path of lost) renameSync(path, join(backup, basename(path)));

  // Without a change in its source, nobody would read the table but to count it.
  await database.client.query(`UPDATE kept SET v = 'two' WHERE id % 10 = 1`);
  const unchanged = await run('sync');
  expect(unchanged).toMatchObject({ code: 5, stdout: expect.stringMatching(SENTENCE) as string });
  await expectSame({ kept: 5000 });
  await database.client.query(`UPDATE kept SET v = 'three' WHERE id % 10 = 2; DELETE FROM kept WHERE id > 4900;
    UPDATE lost SET v = 'two' WHERE id < 10; INSERT INTO lost VALUES (6000, 'new')`);
  for (const command of ['sync', 'reconcile'])
    expect(await run(command)).toMatchObject({ code: 5, stdout: expect.stringMatching(SENTENCE) as string });
  await expectSame({ kept: 4900 });

  const verified = await run('verify');
  expect(verified).toMatchObject({ code: 5, stdout: expect.stringMatching(SENTENCE) as string });
  expect(verified.stdout).toMatch(/public\.kept.*equal/);
  const maintained = await run('maintain', '--lake-retention-hours', '0');
  expect(maintained).toMatchObject({ code: 5, stdout: expect.stringMatching(SENTENCE) as string });
  expect(maintained.stdout).toMatch(/^Rewrote .* of tester\.source_public_kept/m);
  expect(maintained.stdout).toMatch(/^Left tester\.source_public_lost as it is: /m);
  expect((await run('status')).stdout).toMatch(/public\.lost/);
  const asked = await run('query', 'SELECT sum(length(v)) FROM tester.source_public_lost');
  expect({ code: asked.code, said: complaints(asked) }).toEqual({ code: 5, said: [expect.stringMatching(SENTENCE)] });
  expect((await run('tables')).code).toBe(0);

  // What came back is not what was lost.
  const [first = ''] = lost;
  for (const content of ['', readFileSync(join(backup, basename(first))).subarray(0, 1000)]) {
    for (const path of lost) writeFileSync(path, content);
    const damaged = await run('sync');
    expect(damaged).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(/A file of the lake is damaged: .*source_public_lost.*Restore it/) as string,
    });
    expect(damaged.stdout).not.toMatch(/does not fit/);
  }
  for (const path of lost) renameSync(join(backup, basename(path)), path);
  expect((await run('sync')).code).toBe(0);
  await expectSame({ lost: 5001, kept: 4900 });
  for (const command of ['verify', 'maintain']) expect((await run(command)).code).toBe(0);
});

it('without a backup, forget --drop and a sync load the table anew, which do not read the file', async () => {
  for (const path of filesOfLost()) rmSync(path);
  expect((await run('sync')).code).toBe(5);
  expect((await run('forget', 'public.lost', '--drop', '--yes')).code).toBe(0);
  expect((await run('sync')).code).toBe(0);
  await expectSame({ lost: 5001, kept: 4900 });
  for (const command of ['verify', 'maintain', 'maintain', 'sync']) expect((await run(command)).code).toBe(0);
  await expectSame({ lost: 5001, kept: 4900 });
});

it('a folder that is gone with all files is no reason to write into another one', async () => {
  const [data, away] = [join(folder, 'data'), join(folder, 'away')];
  renameSync(data, away);
  const refused = await run('sync');
  expect({ code: refused.code, said: complaints(refused) }).toEqual({
    code: 5,
    said: [expect.stringMatching(/^The lake has files in .*\/data\/?, and there is no such folder\. Mount the disk/)],
  });
  expect(readdirSync(folder)).not.toContain('data');
  expect((await run('status')).code).toBe(0);
  renameSync(away, data);
  expect((await run('sync')).code).toBe(0);
  expect((await run('verify')).code).toBe(0);
});
