/** What is a lake's own: its files, snapshots, states and errors. (What the file promises too is tested on both.) */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runMaintenance } from '../../../src/app/maintain';
import { readStatus } from '../../../src/app/status';
import { runVerify } from '../../../src/app/verify-run';
import { createDestination } from '../../../src/destinations/registry';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { EXTENSIONS, settingsFor } from '../../helpers/settings';
import type { WarehouseReader } from '../../helpers/warehouse-access';
import { CALM, sync } from '../sync';
import { inLake, onServer, openEmbedded, openOnServer } from '../../helpers/lake-world';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };
const signal = new AbortController().signal;

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

const sql = (text: string): Promise<unknown> => database.client.query(text);

async function read(query: string, open = openEmbedded): Promise<unknown[][]> {
  const lake: WarehouseReader = await open(database);
  try {
    return await lake.rows(query);
  } finally {
    lake.close();
  }
}

async function outcomes(more = inLake(database)): Promise<Record<string, string>> {
  const { tables } = await runVerify(settingsFor(database, more), { logger: SILENT, signal, show: 0, sample: 1 });
  return Object.fromEntries(tables.map(({ key, outcome }) => [key, outcome]));
}

function parquetFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet'));
}

async function orders(rows: number): Promise<void> {
  await sql(`CREATE TABLE t (id int PRIMARY KEY, v text, f float8);
    INSERT INTO t SELECT i, 'value ' || i, i FROM generate_series(1, ${rows}) i; ANALYZE t`);
}

describe('values', () => {
  it('keys of bytes are found again, and a zero has no sign, which verify does not count', async () => {
    await sql(`CREATE TABLE b (id bytea PRIMARY KEY, v text, f float8);
      INSERT INTO b SELECT decode(md5(i::text), 'hex'), 'one', CASE WHEN i % 2 = 0 THEN '-0' ELSE '0' END::float8 FROM generate_series(1, 6000) i; ANALYZE b`);
    await sync(database, inLake(database));
    await sql(`UPDATE b SET v = 'two' WHERE get_byte(id, 0) < 40; DELETE FROM b WHERE get_byte(id, 0) = 200`);
    await sync(database, inLake(database));
    expect(await outcomes()).toEqual({ 'public.b': 'equal' });
    const [row] = await read(
      'SELECT count(DISTINCT id) = count(*), count(DISTINCT f::VARCHAR)::INT FROM tester.source_public_b',
    );
    expect(row).toEqual([true, 1]);
  });

  it('a column that the source dropped is NULL in new rows, and is counted and found as such', async () => {
    await orders(100);
    await sync(database, inLake(database));
    await sql(`DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, other bool); INSERT INTO t VALUES (1000, true)`);
    await sync(database, inLake(database));
    expect(
      await read(
        'SELECT count(v)::INT, count(*) FILTER (v IS NULL)::INT FROM tester.source_public_t WHERE NOT _fivetran_deleted',
      ),
    ).toEqual([[0, 1]]);
  });
});

describe('files', () => {
  it('stay few: rows wait until a file is worth it', async () => {
    await orders(60_000);
    await sync(database, inLake(database));
    const [row] = await read(
      "SELECT file_count::INT FROM ducklake_table_info('lake') WHERE table_name = 'source_public_t'",
    );
    expect(Number(row?.[0])).toBeLessThanOrEqual(2);
  });

  it('maintain merges them, takes deleted rows out, forgets snapshots and deletes what nobody needs', async () => {
    await orders(20_000);
    await sync(database, inLake(database));
    for (let round = 1; round <= 6; round += 1) {
      await sql(`UPDATE t SET v = 'round ${round}' WHERE id % 97 = ${round}; DELETE FROM t WHERE id % 1000 = ${round}`);
      await sync(database, inLake(database));
    }
    const data = join(database.folder, 'lake', 'data');
    const before = parquetFiles(data).length;
    const settings = settingsFor(database, inLake(database, { lakeRetentionHours: 0 }));
    const report = await runMaintenance(settings, signal);
    expect(report?.rewritten.find(({ table }) => table === 'tester.source_public_t')).toMatchObject({ into: 1 });
    expect(report?.expiredSnapshots).toBeGreaterThan(6);
    expect(report?.deleted.files).toBeGreaterThan(6);
    expect(before - parquetFiles(data).length).toBe((report?.deleted.files ?? 0) - (report?.rewritten.length ?? 0));
    expect(parquetFiles(join(data, 'tester')).filter((name) => name.includes('source_public_t'))).toHaveLength(1);
    expect(await outcomes()).toEqual({ 'public.t': 'equal' });
    // Nothing is left to do.
    expect((await runMaintenance(settings, signal))?.rewritten).toEqual([]);
    await sql(`UPDATE t SET v = 'after' WHERE id < 50`);
    await sync(database, inLake(database));
    expect(await outcomes()).toEqual({ 'public.t': 'equal' });
  });

  it('status names the snapshot of each sync, and the lake can be queried as of it', async () => {
    await orders(100);
    await sync(database, inLake(database));
    await sql(`UPDATE t SET v = 'later'`);
    await sync(database, inLake(database));
    const { runs } = await readStatus(settingsFor(database, inLake(database)));
    const [last, first] = runs.map(({ snapshot }) => snapshot);
    expect(Number(last)).toBeGreaterThan(Number(first));
    const later = (version: number | undefined): Promise<unknown[][]> =>
      read(`SELECT count(*)::INT FROM tester.source_public_t AT (VERSION => ${version}) WHERE v = 'later'`);
    expect([await later(first), await later(last)]).toEqual([[[0]], [[100]]]);
  });
});

describe('a catalog on a server', () => {
  it('takes a sync, a verify, a maintenance and two processes, of which the second writes nothing that counts', async () => {
    await orders(8_000);
    await sync(database, onServer(database));
    await sql(`UPDATE t SET v = 'new' WHERE id < 100; DELETE FROM t WHERE id > 7990`);
    const settings = settingsFor(database, onServer(database));
    const late = createDestination(settings, CALM.memoryAvailableBytes, SILENT);
    const states = await late.open();
    const state = states.get('public.t');
    expect(state).toBeDefined();
    await sync(database, onServer(database));
    await late.putState('public.t', state ?? null);
    await expect(late.commit()).rejects.toMatchObject({ code: 'lake_conflict' });
    await late.close();
    expect(await outcomes(onServer(database))).toEqual({ 'public.t': 'equal' });
    const report = await runMaintenance(settings, signal);
    expect(report).toMatchObject({ graceHours: 24 });
    expect(report?.waitingFiles).toBe(0);
    expect(
      await read('SELECT count(*)::INT FROM tester.source_public_t WHERE NOT _fivetran_deleted', openOnServer),
    ).toEqual([[7990]]);
  });

  withRanges(it)('a commit that a maintenance has made impossible is tried again', async () => {
    await orders(8_000);
    await sync(database, onServer(database));
    for (const v of ['one', 'two', 'three']) {
      await sql(`UPDATE t SET v = '${v}' WHERE id % 5 = 0`);
      await sync(database, onServer(database));
    }
    await sql(`UPDATE t SET v = 'four' WHERE id % 7 = 0`);
    const settings = settingsFor(database, onServer(database));
    let maintained = 0;
    const destination = createDestination(settings, CALM.memoryAvailableBytes, SILENT);
    const apply = destination.applyChanges.bind(destination);
    destination.applyChanges = async (table) => {
      await apply(table);
      if (maintained === 0) maintained = (await runMaintenance(settings, signal))?.rewritten.length ?? 0;
    };
    const { failures, lines } = await sync(database, onServer(database), { destination });
    expect(maintained).toBeGreaterThan(0);
    expect(failures).toEqual({});
    expect(lines.join('\n')).toMatch(/Another process has changed the same table/);
    expect(await outcomes(onServer(database))).toEqual({ 'public.t': 'equal' });
  });
});

describe('bad input ends with one sentence', () => {
  const opening = async (more: Parameters<typeof inLake>[1]): Promise<string> => {
    const destination = createDestination(settingsFor(database, inLake(database, more)), 1e9, SILENT);
    try {
      await destination.open();
      return 'opened';
    } catch (error) {
      return `${(error as { code?: string }).code}: ${(error as Error).message}`;
    } finally {
      await destination.close();
    }
  };

  it('a missing extension, and one of another DuckDB', async () => {
    const folder = mkdtempSync(join(database.folder, 'extensions-'));
    expect(await opening({ lakeExtensions: folder })).toMatch(/^extension_missing: .*ducklake is not in/);
    writeFileSync(join(folder, 'ducklake.duckdb_extension'), Buffer.alloc(2048));
    expect(await opening({ lakeExtensions: folder })).toMatch(/^extension_foreign: /);
  });

  it('a catalog that cannot be reached, with no password in the sentence', async () => {
    const said = await opening({
      lakeCatalog: "host=127.0.0.1 port=1 dbname=lake user=me password='s3cret pass'",
      lakeDataPath: database.folder,
    });
    expect(said).toMatch(/^lake_unreachable: The catalog of the lake .* cannot be reached: /);
    expect(said).not.toContain('s3cret');
  });

  it('a catalog of a newer DuckLake, which is not touched', async () => {
    await orders(10);
    await sync(database, onServer(database));
    await sql(`UPDATE ducklake_metadata SET value = '2.3' WHERE key = 'version'`);
    expect(await opening(onServer(database))).toMatch(/^lake_version: The lake .* is of DuckLake 2\.3/);
  });

  it('a new lake whose files have no place, one with files of others, one that belongs to another lake', async () => {
    expect(await opening({ ...onServer(database), lakeDataPath: undefined })).toMatch(
      /^lake_data_path: .* is new, and/,
    );
    const taken = join(database.folder, 'taken');
    mkdirSync(taken);
    writeFileSync(join(taken, 'x.parquet'), '');
    expect(await opening({ lakeDataPath: taken })).toMatch(/^lake_data_path_taken: /);
    expect(await opening({})).toBe('opened');
    expect(await opening({ lakeDataPath: join(database.folder, 'elsewhere') })).toMatch(/^lake_data_path_other: /);
    expect(existsSync(join(database.folder, 'elsewhere'))).toBe(false);
  });

  it('a folder that cannot be made, a file that is no catalog', async () => {
    expect(await opening({ lakeDataPath: '/proc/nowhere' })).toMatch(/^lake_data_path: .*\/proc\/nowhere/);
    const file = join(database.folder, 'notes.ducklake');
    writeFileSync(file, 'not a database, but long enough to be looked at as one'.repeat(100));
    expect(await opening({ lakeCatalog: file })).toMatch(/^not_a_warehouse: /);
  });

  withRanges(it)(
    'a catalog that is lost in the middle: what was committed is kept, and the next sync goes on',
    async () => {
      await orders(8_000);
      await sync(database, onServer(database));
      await sql(`UPDATE t SET v = 'new' WHERE id < 100`);
      const terminate = async (): Promise<void> => {
        await sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name NOT LIKE 'pgsluice%'`,
        );
      };
      const settings = settingsFor(database, onServer(database));
      const destination = createDestination(settings, CALM.memoryAvailableBytes, SILENT);
      const apply = destination.applyChanges.bind(destination);
      destination.applyChanges = async (table) => {
        await apply(table);
        await terminate();
      };
      await expect(sync(database, onServer(database), { destination })).rejects.toMatchObject({ kind: 'destination' });
      expect((await sync(database, onServer(database))).failures).toEqual({});
      expect(await outcomes(onServer(database))).toEqual({ 'public.t': 'equal' });
    },
  );

  it('extensions are loaded from the folder that is named, and from nowhere else', () => {
    expect(readdirSync(EXTENSIONS)).toContain('ducklake.duckdb_extension');
    rmSync(join(database.folder, 'none'), { force: true });
  });
});
