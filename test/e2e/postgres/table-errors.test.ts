/** Tables that cannot be read: each is named, the others are synced, exit 4. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCli, startCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { expectPresentable } from '../../helpers/fault-report';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

const PASSWORD = 'r3ad;er}"';

let database: TestDatabase;
let role: string;
beforeEach(async () => {
  database = await createDatabase();
  role = `reader_${randomBytes(4).toString('hex')}`;
  await database.client.query(`
    CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}';
    CREATE SCHEMA hidden;
    CREATE TABLE open_table (id int PRIMARY KEY, word text);
    CREATE TABLE "Closed Table" (id int PRIMARY KEY, word text);
    CREATE TABLE hidden.unseen (id int PRIMARY KEY, word text);
    INSERT INTO open_table SELECT i, 'word ' || i FROM generate_series(1, 7000) i;
    INSERT INTO "Closed Table" SELECT i, 'word ' || i FROM generate_series(1, 10) i;
    INSERT INTO hidden.unseen SELECT i, 'word ' || i FROM generate_series(1, 10) i;
    GRANT SELECT ON open_table TO ${role};
    GRANT SELECT ON hidden.unseen TO ${role};
  `);
});
afterEach(async () => {
  await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

function configure(more: Readonly<Record<string, string>> = {}): string {
  return writeConfiguration(database, { username: role, password: PASSWORD, ...more });
}

async function expectSynced(table: string): Promise<void> {
  const compared = await withWarehouse(database, (warehouse) =>
    compareTable(database.client, warehouse, { schema: 'public', name: table }),
  );
  expect(compared).toEqual(same(7000));
}

const failures = (result: CliResult): string[] => result.stdout.split('\n').filter((line) => line.includes(' SEVERE '));

it('without USAGE and without SELECT: what to grant; afterwards all is synced', async () => {
  const configuration = configure();
  const first = await runCli(['sync', '--configuration', configuration]);
  expectPresentable(first, [PASSWORD, database.password]);
  expect(first.code).toBe(4);
  expect(failures(first)).toHaveLength(2);
  expect(first.stdout).toContain('Sync FAILED');
  const grants = [...first.stdout.matchAll(/SEVERE .*?, or run: (GRANT .*?);/g)].map((match) => match[1] ?? '');
  expect(grants.sort()).toEqual([
    `GRANT SELECT ON "public"."Closed Table" TO "${role}"`,
    `GRANT USAGE ON SCHEMA "hidden" TO "${role}"`,
  ]);
  await expectSynced('open_table');
  // The sentences are right as they stand.
  for (const grant of grants) await database.client.query(grant);
  const second = await runCli(['sync', '--configuration', configuration]);
  expect(second.code).toBe(0);
});

it('a column that may not be read: the statement that mends it', async () => {
  await database.client.query(
    `GRANT SELECT (id) ON "Closed Table" TO ${role}; GRANT USAGE ON SCHEMA hidden TO ${role}`,
  );
  const result = await runCli(['sync', '--configuration', configure()]);
  expect(result.code).toBe(4);
  expect(failures(result)).toEqual([expect.stringContaining(`GRANT SELECT ON "public"."Closed Table" TO "${role}";`)]);
  await expectSynced('open_table');
});

/** A module that holds the sync between discovery and reading, in the shape a user's own would have. */
const HOLD = `
import { existsSync, writeFileSync } from 'node:fs';

const here = (name) => new URL(name, import.meta.url);
export default {
  includeTable() {
    if (existsSync(here('discovered'))) return true;
    writeFileSync(here('discovered'), '');
    while (!existsSync(here('go-on'))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    return true;
  },
};`;

async function syncWithChangeAfterDiscovery(statement: string): Promise<CliResult> {
  writeFileSync(join(database.folder, 'hold.mjs'), HOLD);
  await database.client.query(`GRANT SELECT ON "Closed Table" TO ${role}; GRANT USAGE ON SCHEMA hidden TO ${role}`);
  const run = startCli(['sync', '--configuration', configure({ transformations: './hold.mjs' })]);
  let ended = false;
  void run.ended.then(() => (ended = true));
  while (!existsSync(join(database.folder, 'discovered'))) {
    if (ended) throw new Error(`The sync ended before it asked for the tables:\n${(await run.ended).stdout}`);
    await delay(10);
  }
  await database.client.query(statement);
  writeFileSync(join(database.folder, 'go-on'), '');
  const result = await run.ended;
  expectPresentable(result, [PASSWORD, database.password]);
  return result;
}

it.each<[what: string, statement: string, said: RegExp]>([
  ['dropped', 'DROP TABLE "Closed Table"', /dropped or renamed after discovery/],
  ['renamed', 'ALTER TABLE "Closed Table" RENAME TO elsewhere', /dropped or renamed after discovery/],
  [
    'deprived of a column',
    'ALTER TABLE "Closed Table" DROP COLUMN word',
    /altered after discovery; run the sync again/,
  ],
  [
    'closed to the role',
    'REVOKE SELECT ON "Closed Table" FROM PUBLIC, CURRENT_USER; REVOKE ALL ON "Closed Table" FROM ROLE',
    /permission denied.*SELECT on the table/i,
  ],
])('a table that is %s between discovery and reading: named, the others are synced', async (_what, statement, said) => {
  const result = await syncWithChangeAfterDiscovery(statement.replace('ROLE', role));
  expect(result.code).toBe(4);
  expect(failures(result).join('\n')).toMatch(/public\.Closed Table/);
  expect(failures(result).join('\n')).toMatch(said);
  await expectSynced('open_table');
  // What happened is over: the next sync does not stumble over it.
  await database.client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  expect((await runCli(['sync', '--configuration', configure()])).code).toBe(0);
});

it('a table that gets another type of column after discovery: the next sync holds the new values', async () => {
  await syncWithChangeAfterDiscovery('ALTER TABLE open_table ALTER COLUMN id TYPE bigint');
  expect((await runCli(['sync', '--configuration', configure()])).code).toBe(0);
  await expectSynced('open_table');
});
