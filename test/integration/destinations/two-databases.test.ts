/** Two databases that are synced into one warehouse: never into one schema of it by mistake. */
import { runChecks } from '../../../src/app/check/run-checks';
import { withWarehouse } from '../../helpers/compare';
import {
  createDatabase,
  dropDatabase,
  withClient,
  testServer,
  type TestDatabase,
  withRanges,
} from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

let first: TestDatabase;
let second: TestDatabase;
const TABLES = `
  CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, current_database() || i FROM generate_series(1, 3000) i; ANALYZE`;
beforeEach(async () => {
  first = await createDatabase();
  second = await createDatabase();
  await first.client.query(TABLES);
  await second.client.query(TABLES);
});
afterEach(async () => {
  await first.drop();
  await second.drop();
});

const READ = { syncMode: 'xmin', customBatchSize: 500 } as const;
/** Reads `database` into the warehouse of the first. */
const into = (database: TestDatabase): { database: string; syncMode: 'xmin'; customBatchSize: number } => ({
  ...READ,
  database: database.name,
});

const live = (schema = 'tester'): Promise<unknown[][]> =>
  withWarehouse(first, (warehouse) =>
    warehouse.rows(
      `SELECT DISTINCT regexp_replace(v, '[0-9]+$', ''), _fivetran_deleted FROM ${schema}.source_public_t WHERE id <> 7`,
    ),
  );
const prefix = (name: string): string => name.replace(/\d+$/, '');

withRanges(test)('the second is refused by name, and nothing of the first is touched', async () => {
  await sync(first, READ);
  await expect(sync(first, into(second))).rejects.toMatchObject({
    kind: 'configuration',
    code: 'another_database',
    message: `Schema tester of the warehouse holds the tables of database ${first.name} at ${first.host}:${first.port}, and this is database ${second.name} at ${first.host}:${first.port}.`,
  });
  expect(await live()).toEqual([[prefix(first.name), false]]);
  const findings = await runChecks(
    settingsFor(first, into(second)),
    { path: '', error: undefined, warnings: [] },
    new AbortController().signal,
    () => undefined,
  );
  expect(findings.filter(({ status, item }) => status === 'failure' && item === 'warehouse')).toMatchObject([
    { message: expect.stringContaining(`this is database ${second.name}`) as string },
  ]);
  // The first goes on with changes.
  await first.client.query('UPDATE t SET v = v WHERE id = 7');
  expect((await sync(first, READ)).report.operations.upserts).toBeLessThan(20);
});

withRanges(test)('each goes on with its own changes in a schema of its own', async () => {
  await sync(first, READ);
  await sync(first, { ...into(second), destinationSchema: 'other' });
  for (let round = 0; round < 2; round += 1) {
    for (const [database, destinationSchema] of [
      [first, 'tester'],
      [second, 'other'],
    ] as const) {
      await database.client.query(`UPDATE t SET v = v || '1' WHERE id = 7`);
      const { report, lines } = await sync(first, { ...into(database), destinationSchema });
      expect(report.operations.upserts).toBeLessThan(20);
      expect(lines.filter((line) => line.startsWith('WARNING'))).toEqual([]);
    }
  }
  expect(await live()).toEqual([[prefix(first.name), false]]);
  expect(await live('other')).toEqual([[prefix(second.name), false]]);
});

test('the second takes the place of the first where everything is loaded from the start', async () => {
  await sync(first, READ);
  await expect(sync(first, { ...into(second), fullResync: ['public.nothing'] })).rejects.toThrow('this is database');
  expect((await sync(first, { ...into(second), fullResync: ['*'] })).failures).toEqual({});
  expect(await live()).toEqual([[prefix(second.name), false]]);
  await sync(first, into(second));
  await expect(sync(first, READ)).rejects.toThrow(`this is database ${first.name}`);
});

withRanges(test)('a database that was renamed, or restored in the place of another, is the same one', async () => {
  await sync(first, READ);
  const renamed = `${first.name}_renamed`;
  await first.client.end();
  await withClient(testServer(), 'postgres', async (admin) => {
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [first.name]);
    await admin.query(`ALTER DATABASE ${first.name} RENAME TO ${renamed}`);
  });
  try {
    const { report, failures } = await sync(first, { ...READ, database: renamed });
    expect(failures).toEqual({});
    expect(report.operations.upserts).toBeLessThan(20);
  } finally {
    await dropDatabase(renamed);
  }
  const restored = await createDatabase({ name: renamed });
  try {
    await restored.client.query(TABLES);
    const { lines, failures } = await sync(first, { ...READ, database: renamed });
    expect(failures).toEqual({});
    expect(lines.join('\n')).toContain('public.t has changed: the table was created anew');
    expect(await live()).toEqual([[prefix(renamed), false]]);
  } finally {
    await restored.drop();
  }
});
