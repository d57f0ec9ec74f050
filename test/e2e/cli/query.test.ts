/** `query` and `tables`: what the warehouse holds, exactly, while nothing in it can be changed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, startCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

let database: TestDatabase;
let configuration: string;

beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE kinds (id int PRIMARY KEY, big bigint, exact numeric(38, 9), moment timestamptz, bytes bytea, word text, yes bool, half float8);
    INSERT INTO kinds VALUES
      (1, 9223372036854775807, 12345678901234567890.123456789, '2026-01-02 03:04:05.678901+00', '\\x00ff5c', E'a "b",\\nc', true, 0.1),
      (2, -5, 0.000000001, 'infinity', '', '', false, 1e300),
      (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE many AS SELECT g AS id, repeat('x', 40) AS word FROM generate_series(1, 1500) g;
    ALTER TABLE many ADD PRIMARY KEY (id);`);
  configuration = writeConfiguration(database);
  expect((await runCli(['sync', '-c', configuration])).code).toBe(0);
});
afterAll(() => database.drop());

const run = (...argv: string[]): Promise<CliResult> => runCli([...argv, '-c', configuration]);
const KINDS = 'SELECT id, big, exact, moment, bytes, word, yes, half FROM tester.source_public_kinds ORDER BY id';

it('prints every value exactly as CSV', async () => {
  const { code, stdout } = await run('query', '--csv', `${KINDS} -- all of them\n;`);
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'id,big,exact,moment,bytes,word,yes,half',
      '1,9223372036854775807,12345678901234567890.123456789,2026-01-02 03:04:05.678901+00,\\x00ff5c,"a ""b"",\nc",true,0.1',
      '2,-5,0.000000001,infinity,\\x,"",false,1e+300',
      '3,,,,,,,',
      '',
    ].join('\n'),
  );
});

it('prints JSON that no reader rounds', async () => {
  const { code, stdout } = await run('query', '--json', `${KINDS}`);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual([
    {
      ...{ id: 1, big: '9223372036854775807', exact: '12345678901234567890.123456789', half: 0.1, yes: true },
      ...{ moment: '2026-01-02 03:04:05.678901+00', bytes: '\\x00ff5c', word: 'a "b",\nc' },
    },
    { id: 2, big: -5, exact: '0.000000001', moment: 'infinity', bytes: '\\x', word: '', yes: false, half: 1e300 },
    { id: 3, big: null, exact: null, moment: null, bytes: null, word: null, yes: null, half: null },
  ]);
  expect((await run('query', '--json', 'SELECT 1 AS a, 2 AS a WHERE false')).stdout).toBe('[]\n');
  expect(JSON.parse((await run('query', '--json', 'SELECT 1 AS a, 2 AS a')).stdout)).toEqual([{ a: 1, a_2: 2 }]);
});

it('prints a table for people, of the first rows, and says so', async () => {
  const { stdout } = await run('query', 'SELECT id, word FROM tester.source_public_many ORDER BY id');
  const lines = stdout.trimEnd().split('\n');
  expect(lines.slice(0, 2)).toEqual([`${'  id'} | word`, `-----+-${'-'.repeat(40)}`]);
  expect(lines.at(-1)).toBe('(the first 1,000 rows; --csv and --json print all)');
  expect((await run('query', '--csv', 'FROM tester.source_public_many')).stdout.trimEnd().split('\n')).toHaveLength(
    1501,
  );
  const shown = await run('query', 'SHOW ALL TABLES');
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('source_public_kinds')]);
  expect((await run('query', 'EXPLAIN FROM tester.source_public_many')).code).toBe(0);
});

it.each([
  ['DELETE FROM tester.source_public_kinds', /read-only|opened for reading only/],
  ['DROP TABLE tester.source_public_kinds', /read-only|opened for reading only/],
  ["COPY tester.source_public_kinds TO 'stolen.csv'", /no other file is reached/],
  ["SELECT * FROM read_csv('/etc/passwd')", /no other file is reached/],
  ["ATTACH 'other.db' AS other", /no other file is reached/],
  ['SELECT 1; SELECT 2', /Give one statement at a time/],
  ['SELECT nonsense FROM tester.source_public_kinds', /nonsense/],
])('refuses %s, with exit code 2', async (sql, sentence) => {
  const { code, stdout, stderr } = await run('query', sql);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(sentence);
  for (const name of ['stolen.csv', 'other.db']) expect(existsSync(join(__dirname, '../..', name))).toBe(false);
});

it('lists tables with rows, last sync and size', async () => {
  const { code, stdout } = await run('tables', '--json');
  expect(code).toBe(0);
  const { tables } = JSON.parse(stdout) as { readonly tables: readonly Record<string, unknown>[] };
  expect(tables.find(({ table }) => table === 'tester.source_public_many')).toEqual({
    source: 'public.many',
    table: 'tester.source_public_many',
    rows: 1500,
    lastSyncedAt: expect.stringMatching(/^20\d\d-.*Z$/) as string,
    bytes: expect.any(Number) as number,
  });
  expect(tables.map(({ table }) => table)).toContain('tester.postgres_table');
  expect((await run('tables')).stdout).toMatch(/^tester\.source_public_kinds *\| public\.kinds *\| +3 \| 20/m);
});

it('says who has the warehouse, or waits for it', async () => {
  await database.client.query(
    'BEGIN; LOCK TABLE many IN ACCESS EXCLUSIVE MODE; UPDATE many SET word = word WHERE id = 1',
  );
  const sync = startCli(['sync', '-c', configuration]);
  await sync.waitFor(/Found 2 tables/);
  const refused = await run('query', 'SELECT 1');
  expect([refused.code, refused.stderr]).toEqual([5, expect.stringMatching(new RegExp(`\\(PID ${sync.pid}\\)`))]);
  const waiting = startCli(['query', '--csv', '--wait', '10m', 'SELECT 7 AS n', '-c', configuration]);
  await waiting.waitFor(/Waiting for it to end/);
  await database.client.query('ROLLBACK');
  expect((await sync.ended).code).toBe(0);
  const { code, stdout } = await waiting.ended;
  expect([code, stdout]).toEqual([0, 'n\n7\n']);
});

it('says that there is no warehouse', async () => {
  const { code, stderr } = await run('query', 'SELECT 1', '--warehouse', 'nowhere.db');
  expect([code, stderr]).toEqual([5, expect.stringMatching(/There is no warehouse at .*nowhere\.db/)]);
});
