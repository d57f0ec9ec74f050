/** Rules of `columns` on the command line: what a user sees of them, and that the key is seen nowhere. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashKeyOf } from '../../../src/model/hash-key';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

const KEY = 'k3y;}{ of\'more"than\\sixteen';
const FORMS = [KEY, JSON.stringify(KEY).slice(1, -1), ...Object.values(hashKeyOf(Buffer.from(KEY)).settings)];

let database: TestDatabase;
let configuration: string;
const said: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE people (id int PRIMARY KEY, mail text, born date, salary numeric);
    INSERT INTO people VALUES (1, 'anna@example.com', '1990-01-01', 5);
    CREATE VIEW failing AS SELECT id, (1 / (id - 1))::text AS mail FROM people`);
  const rules = join(database.folder, 'rules.json');
  writeFileSync(
    rules,
    JSON.stringify({ 'people.id': 'keep', '*.mail': 'hash', 'people.born': 'exclude', 'people.slaary': 'null' }),
  );
  configuration = writeConfiguration(database, { columns: rules, max_retries: '1' });
});
afterAll(() => database.drop());

async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = { PGSLUICE_HASH_KEY: KEY },
): Promise<CliResult> {
  const result = await runCli([...argv, '--configuration', configuration], { env });
  said.push(result.stdout, result.stderr);
  return result;
}

it('are shown by plan and check, with what is wrong with them', async () => {
  const plan = await run(['plan']);
  expect(plan.stdout).toContain('columns of public.people: mail hash, born exclude; all others as they are');
  expect(plan.stdout).toContain('"people.slaary": "null" of "columns" names no column; did you mean people.salary?');
  const json = await run(['plan', '--json']);
  const { tables } = JSON.parse(json.stdout) as { tables: { columnRules: unknown }[] };
  expect(tables[0]?.columnRules).toEqual([
    { column: 'mail', rule: 'hash', leftOut: null },
    { column: 'born', rule: 'exclude', leftOut: 'rule' },
  ]);
  const check = await run(['check', '--columns-unlisted', 'fail', '--log-format', 'text']);
  expect(check.code).toBe(4);
  expect(check.stdout).toContain('No rule of "columns" names salary; a sync leaves them out.');
});

it('end a command that reads tables with exit code 2 where the key is missing, and none that does not', async () => {
  const { code, stderr } = await run(['sync'], {});
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining('there is no key. Set "hash_key_file", or PGSLUICE_HASH_KEY'),
  ]);
  expect((await run(['sync'])).code).toBe(0);
  expect((await run(['status'], {})).code).toBe(0);
  expect((await run(['verify'])).code).toBe(0);
});

it('keep their key out of all output and all files', async () => {
  await run(['plan', '--explain', 'people', '--debug']);
  expect(
    (await run(['sync', '--include-views', 'true', '--debug', '--report', join(database.folder, 'report.html')])).code,
  ).toBe(4);
  const refused = await run(['sync', '--hash-key', KEY]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('set PGSLUICE_HASH_KEY instead')]);
  const text = said.join('\n');
  expect(FORMS.filter((form) => text.includes(form))).toEqual([]);
  expect(text).toContain('pgsluice.hash_');
  for (const name of readdirSync(database.folder)) {
    const content = readFileSync(join(database.folder, name), 'latin1');
    expect([name, ...FORMS.filter((form) => content.includes(form))]).toEqual([name]);
  }
});
