/** A warehouse that cannot be opened or written: exit 5, what to do, and nothing lost that was committed. */
import { DuckDBInstance } from '@duckdb/node-api';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, writeConfiguration, type CliOptions, type CliResult } from '../../helpers/cli';
import { compareTable, openWarehouse, same, withWarehouse } from '../../helpers/compare';
import { complaints, expectPresentable } from '../../helpers/fault-report';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

const ROWS = 120_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE small (id int PRIMARY KEY);
    INSERT INTO small SELECT generate_series(1, 100);
    CREATE TABLE big (id int PRIMARY KEY, noise text NOT NULL);
    INSERT INTO big SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, ${ROWS}) i;
    ANALYZE;
  `);
});
afterAll(() => database.drop());

async function sync(overrides: Readonly<Record<string, string>> = {}, options?: CliOptions): Promise<CliResult> {
  const result = await runCli(['sync', '--configuration', writeConfiguration(database, overrides)], options);
  expectPresentable(result, [database.password]);
  return result;
}

async function expectWhole(warehousePath: string): Promise<void> {
  const warehouse = await openWarehouse(warehousePath);
  try {
    expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'small' })).toEqual(same(100));
    expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'big' })).toEqual(same(ROWS));
  } finally {
    warehouse.close();
  }
}

it('open in another process: exit 5, with that process, and nothing changed', async () => {
  expect((await sync()).code).toBe(0);
  const path = join(database.folder, 'warehouse.db');
  const before = readFileSync(path);
  const instance = await DuckDBInstance.create(path);
  try {
    const result = await sync();
    expect(result.code).toBe(5);
    expect(complaints(result)).toEqual([
      expect.stringMatching(`open in another process \\(PID ${process.pid}\\)\\. Wait until it ends or close it there`),
    ]);
  } finally {
    instance.closeSync();
  }
  expect(readFileSync(path).equals(before)).toBe(true);
});

it.each<[what: string, name: string, content: string]>([
  ['a text', 'notes.db', 'These are my notes, not a database.'],
  ['a short file', 'short.db', 'x'],
  ['an empty file', 'empty.db', ''],
  // DuckDB would open it in memory, and lose everything at the end.
  ['a file of data', 'rows.json', '[{"a": 1}]\n'],
])('%s in its place: exit 5, and the file is left as it is', async (_what, name, content) => {
  const path = join(database.folder, name);
  writeFileSync(path, content);
  const result = await sync({ warehouse_path: path });
  expect(result.code).toBe(5);
  expect(complaints(result)).toEqual([expect.stringMatching(`${name}.*"warehouse_path"`)]);
  expect(readFileSync(path, 'utf8')).toBe(content);
});

it.each<[what: string, path: string]>([
  ['a folder that cannot be made', '/proc/nowhere/warehouse.db'],
  ['a folder that is a file', 'file/warehouse.db'],
  ['a path that is a folder', 'folder'],
])('%s: exit 5 and a sentence', async (_what, path) => {
  writeFileSync(join(database.folder, 'file'), '');
  mkdirSync(join(database.folder, 'folder'), { recursive: true });
  const result = await sync({ warehouse_path: path.startsWith('/') ? path : join(database.folder, path) });
  expect(result.code).toBe(5);
  expect(complaints(result)).toEqual([expect.stringMatching(/cannot be opened: .*\. Check /)]);
});

it('a state file that cannot be written: exit 5, and the warehouse holds the data all the same', async () => {
  const path = join(database.folder, 'stateless.db');
  const result = await sync({ warehouse_path: path, state_path: '/proc/nowhere/state.json' });
  expect(result.code).toBe(5);
  expect(complaints(result)).toEqual([
    expect.stringMatching(/\/proc\/nowhere\/state\.json cannot be written: .*nothing is lost/),
  ]);
  expect((await sync({ warehouse_path: path })).code).toBe(0);
  await expectWhole(path);
});

describe('a full disk', () => {
  /** A file-size limit stands for a full disk where this user may not mount one. */
  async function withLimit(kilobytes: number, path: string): Promise<CliResult> {
    const limited = join(database.folder, 'limited.cjs');
    // `ulimit` is the shell's own: it holds for what the shell becomes.
    writeFileSync(
      limited,
      `
      const { spawnSync } = require('node:child_process');
      const [, , main, ...rest] = process.argv;
      const run = spawnSync('bash', ['-c', 'ulimit -f ${kilobytes}; exec "$@"', 'bash', process.execPath, main, ...rest], { stdio: 'inherit' });
      process.exit(run.status ?? 1);
    `,
    );
    return await sync({ warehouse_path: path }, { nodeArguments: [limited] });
  }

  it.each([4, 12, 300, 3000])('after %d kB: exit 5; with room again, the next sync completes', async (kilobytes) => {
    const path = join(database.folder, `limited-${kilobytes}.db`);
    const result = await withLimit(kilobytes, path);
    expect(result.code).toBe(5);
    expect(complaints(result)).toEqual([expect.stringMatching(/disk is full: .* cannot grow\. Free some space/)]);
    expect(result.stdout).not.toMatch(/rollback|TransactionContext/);
    expect((await sync({ warehouse_path: path })).code).toBe(0);
    await expectWhole(path);
    expect(readdirSync(database.folder).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('in a commit of long texts, which are in memory until then: the same', async () => {
    await database.client.query(`
      CREATE TABLE long (id int PRIMARY KEY, body text NOT NULL);
      INSERT INTO long SELECT i, (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 3000) j)
        FROM generate_series(1, 400) i;
    `);
    try {
      const path = join(database.folder, 'limited-long.db');
      const result = await withLimit(20_000, path);
      expect(result.code).toBe(5);
      expect(complaints(result)).toEqual([expect.stringMatching(/disk is full: .* cannot grow\. Free some space/)]);
      expect((await sync({ warehouse_path: path })).code).toBe(0);
      await expectWhole(path);
      const warehouse = await openWarehouse(path);
      expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'long' })).toEqual(same(400));
      warehouse.close();
    } finally {
      await database.client.query('DROP TABLE long');
    }
  });

  it('of its own: the same', async () => {
    const mount = join(database.folder, 'disk');
    mkdirSync(mount);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', mount], { stdio: 'pipe' });
    } catch {
      // Only root may mount; the limits above stand for it.
      process.stdout.write('No small disk could be mounted here, so only the file-size limit was tested.\n');
      return;
    }
    try {
      const path = join(mount, 'warehouse.db');
      const full = await sync({ warehouse_path: path, state_path: join(mount, 'state.json') });
      expect(full.code).toBe(5);
      expect(complaints(full)).toEqual([expect.stringMatching(/disk is full: .* cannot grow\. Free some space/)]);
      execFileSync('mount', ['-o', 'remount,size=300m', mount], { stdio: 'pipe' });
      expect((await sync({ warehouse_path: path, state_path: join(mount, 'state.json') })).code).toBe(0);
      await expectWhole(path);
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});

it('a warehouse that was deleted: everything is read again', async () => {
  const path = join(database.folder, 'deleted.db');
  expect((await sync({ warehouse_path: path })).code).toBe(0);
  execFileSync('rm', [path]);
  const again = await sync({ warehouse_path: path });
  expect(again.code).toBe(0);
  expect(existsSync(path)).toBe(true);
  await expectWhole(path);
});

it('a warehouse that was cut short: exit 5 and a sentence', async () => {
  const path = join(database.folder, 'cut.db');
  expect((await sync({ warehouse_path: path })).code).toBe(0);
  execFileSync('truncate', ['-s', '9000', path]);
  const result = await sync({ warehouse_path: path });
  expect(result.code).toBe(5);
  expect(complaints(result)).toEqual([expect.stringMatching(/cut\.db/)]);
});

it('keeps what an earlier sync committed when a later one fails', async () => {
  expect((await sync()).code).toBe(0);
  const result = await sync({ host: '127.0.0.1', port: '1', max_retries: '1' });
  expect(result.code).toBe(3);
  await withWarehouse(database, async (warehouse) => {
    expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'big' })).toEqual(same(ROWS));
  });
});
