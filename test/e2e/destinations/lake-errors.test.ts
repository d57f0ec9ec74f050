/** A lake on a disk that is full or read-only, and one that two processes want: exit 5, a sentence, nothing lost. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCli, startCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { compareTable, same } from '../../helpers/compare';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import { connectionString, createDatabase, type TestDatabase } from '../../helpers/postgres';
import { EXTENSIONS } from '../../helpers/settings';
import { openLakeAt } from '../../helpers/warehouse-access';

const ROWS = 120_000;
const SMALL_BATCHES = ['--custom-batch-size', '2000'];

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE small (id int PRIMARY KEY, v text); INSERT INTO small SELECT i, 'one' FROM generate_series(1, 100) i;
    CREATE TABLE big (id int PRIMARY KEY, noise text NOT NULL);
    INSERT INTO big SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, ${ROWS}) i; ANALYZE`);
});
afterAll(() => database.drop());

const configured = (overrides: Readonly<Record<string, string>>): string =>
  writeConfiguration(database, { destination: 'ducklake', lake_extensions: EXTENSIONS, ...overrides });

async function run(command: string, overrides: Readonly<Record<string, string>>): Promise<CliResult> {
  const result = await runCli([command, '--configuration', configured(overrides)]);
  expectPresentable(result, [database.password]);
  return result;
}

function expectRefused(result: CliResult, sentence: RegExp): void {
  expect({ code: result.code, said: complaints(result) }).toEqual({ code: 5, said: [expect.stringMatching(sentence)] });
}

async function expectWhole(catalog: string, extensions: readonly string[] = []): Promise<void> {
  const lake = await openLakeAt(catalog, { extensions });
  try {
    expect(await compareTable(database.client, lake, { schema: 'public', name: 'small' })).toEqual(same(100));
    expect(await compareTable(database.client, lake, { schema: 'public', name: 'big' })).toEqual(same(ROWS));
  } finally {
    lake.close();
  }
}

/** Runs `action` in a disk of so many megabytes, where this user may mount one. */
async function onDisk(megabytes: number, name: string, action: (mount: string) => Promise<void>): Promise<void> {
  const mount = join(database.folder, name);
  mkdirSync(mount);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', mount], { stdio: 'pipe' });
  } catch {
    process.stdout.write(
      'No small disk could be mounted here (only root may), so a lake on a full disk was not tested.\n',
    );
    return;
  }
  try {
    await action(mount);
  } finally {
    execFileSync('umount', [mount]);
  }
}

function tries(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

const remount = (mount: string, options: string): unknown =>
  execFileSync('mount', ['-o', `remount,${options}`, mount], { stdio: 'pipe' });

/** A folder with DuckDB's extensions, of which ducklake says that it is for another DuckDB. */
function foreignExtensions(): string {
  const folder = join(database.folder, 'foreign');
  mkdirSync(folder);
  const file = 'ducklake.duckdb_extension';
  const bytes = readFileSync(join(EXTENSIONS, file));
  // The version stands among the fields at the end, before the signature.
  const at = bytes.lastIndexOf(`v${basename(EXTENSIONS)}`);
  writeFileSync(join(folder, file), bytes.fill('v1.4.4\0', at, at + 7));
  return folder;
}

it('extensions that are missing, or of another DuckDB: exit 5, with the command that fetches the right ones', async () => {
  const lake = { lake_catalog: join(database.folder, 'no-extension', 'catalog.ducklake') };
  const none = join(database.folder, 'none');
  mkdirSync(none);
  const command = `\`pip install --no-deps (?:--upgrade )?--target \\S+ duckdb-extension-ducklake==${basename(EXTENSIONS)}\``;
  expectRefused(
    await run('sync', { ...lake, lake_extensions: none }),
    new RegExp(`^DuckDB's extension ducklake is not in ${none}\\. Run ${command}`),
  );
  expectRefused(
    await run('sync', { ...lake, lake_extensions: foreignExtensions() }),
    new RegExp(`^DuckDB's extension \\S+ is for DuckDB 1\\.4\\.4, and DuckDB \\S+ is in use here\\. .*${command}`),
  );
  expect(existsSync(lake.lake_catalog)).toBe(false);
  expect((await run('sync', lake)).code).toBe(0);
  await expectWhole(lake.lake_catalog);
});

it('a catalog that cannot be reached, and one of a newer DuckLake, for each command: exit 5, and nothing is lost', async () => {
  const server = await createDatabase();
  try {
    const lake = {
      lake_catalog: connectionString(server, server.name),
      lake_data_path: join(database.folder, 'on-server'),
    };
    expect((await run('sync', lake)).code).toBe(0);
    const version = (wanted: string): Promise<unknown> =>
      server.client.query("UPDATE ducklake_metadata SET value = $1 WHERE key = 'version'", [wanted]);
    const { rows } = await server.client.query<{ value: string }>(
      "SELECT value FROM ducklake_metadata WHERE key = 'version'",
    );
    await version('9.1');
    const unreachable = { ...lake, lake_catalog: "host=127.0.0.1 port=1 dbname=none user=me password='s3cret word'" };
    for (const command of ['sync', 'verify', 'maintain', 'status']) {
      expectRefused(await run(command, lake), /^The lake .* is of DuckLake 9\.1, which DuckDB .* does not write\./);
      const refused = await run(command, unreachable);
      expectRefused(refused, /^The catalog of the lake .* cannot be reached: .*Check "lake_catalog"/);
      expect(refused.stdout + refused.stderr).not.toContain('s3cret');
    }
    await version(rows[0]?.value ?? '');
    expect((await run('sync', lake)).code).toBe(0);
    expect((await run('verify', lake)).code).toBe(0);
  } finally {
    await server.drop();
  }
});

it.each([1, 3])(
  'a full disk of %d MB under catalog and files: with room again, the next sync completes',
  async (size) => {
    await onDisk(size, `full-${size}`, async (mount) => {
      const lake = { lake_catalog: join(mount, 'catalog.ducklake') };
      expectRefused(await run('sync', lake), /disk is full: .* cannot grow\. Free some space/);
      remount(mount, 'size=300m');
      expect((await run('sync', lake)).code).toBe(0);
      await expectWhole(lake.lake_catalog);
    });
  },
);

it('a disk of the files that is full, then read-only: what was committed can be read all the time', async () => {
  await onDisk(3, 'files', async (mount) => {
    const lake = {
      lake_catalog: join(database.folder, 'beside', 'catalog.ducklake'),
      lake_data_path: join(mount, 'data'),
    };
    expectRefused(await run('sync', lake), /disk is full: .* cannot grow\. Free some space/);
    remount(mount, 'size=300m');
    expect((await run('sync', lake)).code).toBe(0);
    remount(mount, 'ro');
    await database.client.query(`UPDATE small SET v = 'two'`);
    expectRefused(
      await run('sync', lake),
      /^The lake's files cannot be written to .*\(EROFS\)\. Check the permissions/,
    );
    expect((await run('status', lake)).code).toBe(0);
    remount(mount, 'rw');
    expect((await run('sync', lake)).code).toBe(0);
    await expectWhole(lake.lake_catalog);
  });
});

it.each([
  [
    'is made read-only',
    async (mount: string) => {
      // It is busy as long as a file is open for writing.
      while (!tries(() => remount(mount, 'ro'))) await delay(5);
      return () => remount(mount, 'rw');
    },
  ],
  [
    'is taken away, with a file in its place',
    (mount: string) => {
      const [data, away] = [join(mount, 'data'), join(mount, 'away')];
      renameSync(data, away);
      writeFileSync(data, '');
      return () => {
        rmSync(data);
        renameSync(away, data);
      };
    },
  ],
])(
  'a folder of the files that %s in the middle of a load: exit 5, and then the next sync completes',
  async (how, spoil) => {
    // More rows than two files take, so that the load goes on for a while after the first file.
    await database.client.query(`CREATE TABLE large (id int PRIMARY KEY, noise text NOT NULL);
      INSERT INTO large SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, 700000) i; ANALYZE large`);
    await onDisk(300, how.replaceAll(/\W/g, '-'), async (mount) => {
      const data = join(mount, 'data');
      const lake = { lake_catalog: join(database.folder, how, 'catalog.ducklake'), lake_data_path: data };
      const running = startCli([
        'sync',
        '--configuration',
        configured(lake),
        '--custom-threads',
        '1',
        ...SMALL_BATCHES,
      ]);
      const begun = (): boolean =>
        existsSync(data) &&
        readdirSync(data, { recursive: true, encoding: 'utf8' }).some((name) => /_large/.test(name));
      while (!begun()) await delay(2);
      const mend = await spoil(mount);
      const result = await running.ended;
      expectPresentable(result, [database.password]);
      expectRefused(result, /^The lake's files cannot be written: .*data.*Check the permissions of that folder/);
      mend();
      expect((await run('sync', lake)).code).toBe(0);
      await expectWhole(lake.lake_catalog);
      expect((await run('verify', lake)).code).toBe(0);
    });
    await database.client.query('DROP TABLE large');
  },
);

it.each([
  ['DuckDB', 'catalog.ducklake', []],
  ['SQLite', 'catalog.sqlite', ['sqlite_scanner']],
])(
  'a catalog of %s serves one process; a second one is refused, and the first goes on',
  async (_kind, file, extensions) => {
    const path = join(database.folder, `one-process-${file}`, file);
    const lake = { lake_catalog: path };
    const attached = extensions.length === 0 ? path : `sqlite:${path}`;
    expect((await run('sync', lake)).code).toBe(0);
    // The first one cannot end meanwhile: a table that it reads is locked.
    await database.client.query(`BEGIN; UPDATE small SET v = 'three' WHERE id < 50; LOCK TABLE small`);
    const first = startCli(['sync', '--configuration', configured(lake), '--full-resync', '*']);
    await first.waitFor(/Found \d+ tables to process/);
    const refused = new RegExp(
      `^The lake .*${file} is open in another process \\(PID ${first.pid}\\)\\. A catalog that is a file`,
    );
    for (const command of ['sync', 'maintain']) expectRefused(await run(command, lake), refused);
    await database.client.query('COMMIT');
    expect((await first.ended).code).toBe(0);
    await expectWhole(attached, extensions);
    expect((await run('verify', lake)).code).toBe(0);
    expect((await run('maintain', { ...lake, lake_retention_hours: '0' })).code).toBe(0);
    await expectWhole(attached, extensions);
    expect((await runCli(['reset', '--yes', '--configuration', configured(lake)])).code).toBe(0);
    expect([path, `${path}.lock`].filter((each) => existsSync(each))).toEqual([]);
  },
);
