/** Mode log: changes and deletes from the write-ahead log. */
import type { Settings } from '../../../src/config/settings';
import { same } from '../../helpers/compare';
import { confirmedPosition, setUpLog, slotOf } from '../../helpers/log-server';
import { sync, type SyncOutcome } from '../sync';
import { compared, database, sql } from './followed-database';

const log = (overrides: Partial<Settings> = {}): Promise<SyncOutcome> =>
  sync(database, { syncMode: 'log', ...overrides });

async function table(rows: number): Promise<void> {
  await sql(`CREATE TABLE t (id int PRIMARY KEY, v text);
    INSERT INTO t SELECT i, 'value ' || i FROM generate_series(1, ${rows}) i; ANALYZE t`);
}

it('finds inserts, updates, changed keys and deletes, and lets the server remove what was read', async () => {
  await table(500);
  await setUpLog(database);
  await log();
  const before = await confirmedPosition(database.client, slotOf(database));
  await sql(`INSERT INTO t SELECT i, 'new' FROM generate_series(1001, 1010) i; UPDATE t SET v = 'changed' WHERE id % 10 = 0;
    UPDATE t SET id = -id WHERE id = 7; DELETE FROM t WHERE id BETWEEN 20 AND 29`);
  const { report, lines, failures } = await log();
  expect(failures).toEqual({});
  expect(lines.join('\n')).toContain('Successfully processed table public.t: 60 records, 11 marked deleted');
  expect(report.operations).toMatchObject({ upserts: 60, deletes: 11 });
  expect(await compared('t')).toEqual(same(500));
  expect(await confirmedPosition(database.client, slotOf(database))).toBeGreaterThan(before);
});

it('reads and writes nothing of a table that the log does not name', async () => {
  await table(500);
  await sql('CREATE TABLE other AS SELECT 1 AS id; ALTER TABLE other ADD PRIMARY KEY (id)');
  await setUpLog(database);
  await log();
  await sql('UPDATE other SET id = 2');
  const { lines, report } = await log();
  expect(lines).toContain('INFO Unchanged since the last sync: 1 of 2 tables');
  expect(report.operations).toMatchObject({ upserts: 1, deletes: 1 });
  expect(await compared('other')).toEqual(same(1));
});
