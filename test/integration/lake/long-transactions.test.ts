/** What a process that was stopped for long, or whose clock is wrong, may not do to a lake that others write and maintain. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { runMaintenance } from '../../../src/app/maintain';
import { runVerify } from '../../../src/app/verify-run';
import { accessTo, createDestination } from '../../../src/destinations/registry';
import { onServer, openOnServer } from '../../helpers/lake-world';
import { createDatabase, withRanges, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { CALM, sync } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };
const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'one' FROM generate_series(1, 8000) i; ANALYZE`);
  await sync(database, onServer(database));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await database.drop();
});

const settings = (more: Parameters<typeof onServer>[1] = {}) => settingsFor(database, onServer(database, more));

function sleepFor(hours: number): void {
  const now = os.uptime.bind(os);
  jest.spyOn(os, 'uptime').mockImplementation(() => now() + hours * 3_600);
}

function setClockAhead(hours: number): void {
  const now = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => now() + hours * HOUR_MS);
}

function dataFiles(): number {
  const names = readdirSync(join(database.folder, 'lake-data'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.parquet')).length;
}

async function read(query: string): Promise<unknown[][]> {
  const lake = await openOnServer(database, { write: true });
  try {
    return await lake.rows(query);
  } finally {
    lake.close();
  }
}

async function expectEqual(): Promise<void> {
  const { tables } = await runVerify(settings(), { logger: SILENT, signal, show: 0, sample: 1 });
  expect(tables.map(({ key, outcome }) => [key, outcome])).toEqual([['public.t', 'equal']]);
}

withRanges(it)('a transaction that slept for thirteen hours is not committed; the table tries again', async () => {
  await database.client.query(`UPDATE t SET v = 'two' WHERE id % 3 = 0`);
  const destination = createDestination(settings(), CALM.memoryAvailableBytes, SILENT);
  const apply = destination.applyChanges.bind(destination);
  let slept = false;
  destination.applyChanges = async (table) => {
    await apply(table);
    if (!slept) sleepFor(13);
    slept = true;
  };
  const { failures, lines } = await sync(database, onServer(database), { destination });
  expect(slept).toBe(true);
  expect(failures).toEqual({});
  expect(lines.join('\n')).toMatch(/A transaction of .* has been open for 13 hours, and 12 are the most\./);
  jest.restoreAllMocks();
  await expectEqual();
});

it('maintenance forgets no snapshot that a transaction under way needs to be found in conflict', async () => {
  const late = await openOnServer(database, { write: true });
  try {
    const [[state] = []] = await late.rows(
      "SELECT table_name FROM duckdb_tables() WHERE schema_name = '_pgsluice' AND starts_with(table_name, 'state_')",
    );
    const table = `_pgsluice.${String(state)}`;
    await late.rows('BEGIN');
    const [row] = await late.rows(`SELECT generation::INT FROM ${table}`);
    await late.rows(`DELETE FROM ${table}`);
    await late.rows(`INSERT INTO ${table} VALUES ('tester', 'public.t', ${Number(row?.[0]) + 1}, 1, '{}')`);
    // Another owner of the table has gone on meanwhile.
    for (const v of ['two', 'three']) {
      await database.client.query(`UPDATE t SET v = '${v}' WHERE id < 1000`);
      expect((await sync(database, onServer(database))).failures).toEqual({});
    }
    expect(await runMaintenance(settings({ lakeRetentionHours: 0 }), signal)).toMatchObject({ expiredSnapshots: 0 });
    await expect(late.rows('COMMIT')).rejects.toThrow(/conflict/i);
  } finally {
    late.close();
  }
  await expectEqual();
});

it('maintenance deletes no file of a transaction under way', async () => {
  const writer = await openOnServer(database, { write: true });
  try {
    await writer.rows('CREATE TABLE tester.users_own AS SELECT 0 AS i LIMIT 0');
    const before = dataFiles();
    await writer.rows('BEGIN');
    await writer.rows('INSERT INTO tester.users_own SELECT range::INT FROM range(5000)');
    expect(dataFiles()).toBe(before + 1);
    await runMaintenance(settings({ lakeRetentionHours: 0 }), signal);
    expect(dataFiles()).toBe(before + 1);
    await writer.rows('COMMIT');
    expect(await writer.rows('SELECT count(*)::INT, sum(i)::INT FROM tester.users_own')).toEqual([[5000, 12497500]]);
  } finally {
    writer.close();
  }
});

it('a day later it forgets them, and deletes what only they had', async () => {
  for (const v of ['two', 'three']) {
    await database.client.query(`UPDATE t SET v = '${v}'`);
    await sync(database, onServer(database));
  }
  const { maintain } = accessTo(settings());
  const at = (hours: number) => maintain?.({ retentionHours: 0, now: new Date(Date.now() + hours * HOUR_MS), signal });
  expect(await at(0)).toMatchObject({ expiredSnapshots: 0, deleted: { files: 0 } });
  const before = dataFiles();
  expect((await at(25))?.expiredSnapshots).toBeGreaterThan(3);
  expect(dataFiles()).toBeLessThan(before);
  await expectEqual();
});

it('a file that somebody else has deleted already is no reason to leave the rest', async () => {
  for (const v of ['two', 'three']) {
    await database.client.query(`UPDATE t SET v = '${v}'`);
    await sync(database, onServer(database));
  }
  await read("CALL ducklake_expire_snapshots('lake', older_than => now())");
  const waiting = await read(
    "SELECT path FROM ducklake_cleanup_old_files('lake', dry_run => true, cleanup_all => true)",
  );
  expect(waiting.length).toBeGreaterThan(1);
  rmSync(String(waiting[0]?.[0]));
  const now = new Date(Date.now() + 25 * HOUR_MS);
  const report = await accessTo(settings()).maintain?.({ retentionHours: 0, now, signal });
  expect(report).toMatchObject({ waitingFiles: 0 });
  expect(waiting.filter(([path]) => existsSync(String(path)))).toEqual([]);
  await expectEqual();
});

it('a clock that is hours ahead of the catalog deletes nothing', async () => {
  const before = dataFiles();
  setClockAhead(30);
  await expect(runMaintenance(settings({ lakeRetentionHours: 0 }), signal)).rejects.toMatchObject({
    code: 'lake_clock',
    message: expect.stringMatching(/^The clock of this host is 30\.0 hours ahead/) as string,
  });
  jest.restoreAllMocks();
  expect(dataFiles()).toBe(before);
  const [row] = await read("SELECT count(*)::INT FROM ducklake_snapshots('lake')");
  expect(row?.[0]).toBeGreaterThan(3);
});
