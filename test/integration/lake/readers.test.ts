/** Others read a lake at any time: counts and sums are those of one sync or of the next, never of half a pass. */
import { setTimeout as delay } from 'node:timers/promises';
import { runMaintenance } from '../../../src/app/maintain';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';
import { startPython } from './python-reader';
import { onServer, openOnServer } from '../../helpers/lake-world';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE a (id int PRIMARY KEY, n bigint NOT NULL); INSERT INTO a SELECT i, 1 FROM generate_series(1, 30000) i;
    CREATE TABLE b (id int PRIMARY KEY, n bigint NOT NULL); INSERT INTO b SELECT i, 1 FROM generate_series(1, 3000) i; ANALYZE`);
});
afterAll(() => database.drop());

// Two readers: this process, and Python's DuckDB.
it('through a first load, three syncs and a maintenance', async () => {
  const seen = new Map<string, Set<string>>([
    ['a', new Set()],
    ['b', new Set()],
  ]);
  const errors: string[] = [];
  let reading = true;
  // The lake is made by an empty sync, so that there is something to attach.
  await sync(database, onServer(database, { tableFilters: ['nothing.*', '!*'] })).catch(() => undefined);
  const python = startPython(database, [...seen.keys()]);
  let looks = 0;
  const reader = (async () => {
    const lake = await openOnServer(database);
    try {
      for (; reading; looks += 1) {
        for (const [name, values] of seen) {
          try {
            const there = await lake.rows(
              `SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' AND table_name = 'source_public_${name}'`,
            );
            if (there.length === 0) continue;
            const [row] = await lake.rows(
              `SELECT count(*)::VARCHAR, sum(n)::VARCHAR FROM tester.source_public_${name} WHERE NOT _fivetran_deleted`,
            );
            values.add(`${String(row?.[0])}/${String(row?.[1])}`);
          } catch (error) {
            errors.push((error as Error).message);
          }
        }
        await delay(100);
      }
    } finally {
      lake.close();
    }
  })();
  const settings = onServer(database);
  const expected = { a: ['30000/30000'], b: ['3000/3000'] };
  await sync(database, settings);
  for (let round = 2; round <= 4; round += 1) {
    await database.client.query(`
      UPDATE a SET n = ${round} WHERE id <= 5000; DELETE FROM a WHERE id > ${30_000 - round * 100};
      UPDATE b SET n = ${round}`);
    await sync(database, settings);
    const left = 30_000 - round * 100;
    expected.a.push(`${left}/${left + 5000 * (round - 1)}`);
    expected.b.push(`3000/${3000 * round}`);
  }
  await runMaintenance(settingsFor(database, { ...settings, lakeRetentionHours: 0 }), new AbortController().signal);
  // One look at the end of all that begins after it; Python's last look does as well.
  const before = looks;
  while (looks < before + 2) await delay(20);
  reading = false;
  await reader;
  const others = await python?.ended();
  expect([...errors, ...(others?.errors ?? [])]).toEqual([]);
  for (const name of ['a', 'b'] as const)
    for (const answers of [seen, others?.seen].filter((each) => each !== undefined)) {
      const values = [...(answers.get(name) ?? [])];
      expect(values.filter((value) => !expected[name].includes(value))).toEqual([]);
      expect(values).toContain(expected[name].at(-1));
    }
});
