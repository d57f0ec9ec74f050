/** Timestamp mode between two proofs: what the update column does not show, a later pass by transaction ids must find. */
import type { Settings } from '../../../src/config/settings';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, withRanges, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await database.drop();
});

const sql = (text: string): Promise<unknown> => database.client.query(text);

async function pass(settings: Partial<Settings>): Promise<void> {
  expect((await sync(database, { syncMode: 'timestamp', ...settings })).failures).toEqual({});
}

withRanges(it).each<[string, Partial<Settings>, Partial<Settings>]>([
  ['the proof that is due', { reconcileEvery: 3 }, { reconcileEvery: 3 }],
  ['a pass in mode xmin', { reconcileEvery: 0 }, { syncMode: 'xmin' }],
  ['a pass that compares at each sync again', { reconcileEvery: 0 }, {}],
])('%s finds what the passes before it did not see', async (_, trusting, proving) => {
  await sql(`CREATE TABLE t (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL); CREATE INDEX ON t (updated_at);
    INSERT INTO t SELECT i, 'v', timestamptz '2020-01-01' + i * interval '1 hour' FROM generate_series(1, 3000) i; ANALYZE t`);
  await pass(trusting);
  await sql(`UPDATE t SET v = 'the date stays' WHERE id = 5; DELETE FROM t WHERE id = 9`);
  await pass(trusting);
  await sql(`UPDATE t SET v = 'now', updated_at = now() WHERE id = 11`);
  await pass(trusting);
  await pass(proving);
  const compared = await withWarehouse(database, (warehouse) =>
    compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
  );
  expect(compared).toEqual(same(2_999));
});
