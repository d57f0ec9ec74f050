/** What `status` says of the last sync. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readStatus, type WarehouseStatus } from '../../../src/app/status';
import { renderStatus } from '../../../src/cli/commands/status';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`CREATE TABLE big (id int PRIMARY KEY, v text);
    INSERT INTO big SELECT i, 'value ' || i FROM generate_series(1, 12000) i; CREATE TABLE other AS SELECT 1 AS id; ANALYZE`);
  await allOlderEnded(database.client);
  await sync(database, { syncMode: 'auto' });
});
afterEach(async () => {
  await database.drop();
});

const status = async (): Promise<WarehouseStatus> => await readStatus(settingsFor(database, {}));
const text = (found: WarehouseStatus): string => renderStatus(found, new Date(), undefined).join('\n');
const big = ({ tables }: WarehouseStatus): unknown => tables.find(({ table }) => table === 'public.big')?.found;

withRanges(test)('what was changed and what was deleted, of the tables that had changed', async () => {
  expect(text(await status())).toMatch(/^Found by the run of .*:\npublic\.big: 12,000 changed \(12,000 rows\)\n/m);
  await database.client.query(`DELETE FROM big WHERE id <= 1000; UPDATE big SET v = 'x' WHERE id > 11989`);
  await sync(database, { syncMode: 'auto' });
  const found = await status();
  expect(big(found)).toEqual({ at: expect.any(String) as string, changed: 11, deleted: 1000 });
  expect(text(found)).toMatch(
    /^Found by the run of .*:\npublic\.big: 11 changed, 1,000 marked deleted \(11,000 rows\)\n\nLast runs/m,
  );
  await database.client.query('INSERT INTO other VALUES (2)');
  await sync(database, { syncMode: 'auto' });
  const later = await status();
  expect(text(later)).not.toContain('public.big: ');
  expect(big(later)).toEqual(big(found));
});

withRanges(test)('a comparison of keys alone says what it marked', async () => {
  await database.client.query('DELETE FROM big WHERE id <= 7');
  await sync(database, { syncMode: 'auto' }, { keysOnly: true });
  expect(text(await status())).toContain('7 marked deleted (11,993 rows)');
});

withRanges(test)('states of before it was remembered are read, and synced on', async () => {
  const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
  const connection = await instance.connect();
  await connection.run(`UPDATE _pgsluice.state SET entry = json_merge_patch(entry, '{"found": null}')`);
  connection.closeSync();
  instance.closeSync();
  expect(big(await status())).toBeNull();
  const { lines } = await sync(database, { syncMode: 'auto' });
  expect(lines).toContain('INFO Unchanged since the last sync: 2 of 2 tables');
});

withRanges(test)(
  'of runs that find nothing new, the history has one an hour, and the first after a failure',
  async () => {
    const outcomes = async (): Promise<unknown> => (await status()).runs.map(({ outcome }) => outcome);
    const warehouse = async (sql: string): Promise<void> => {
      const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
      const connection = await instance.connect();
      await connection.run(sql);
      connection.closeSync();
      instance.closeSync();
    };
    await sync(database, { syncMode: 'auto' });
    await sync(database, { syncMode: 'auto' });
    expect(await outcomes()).toEqual(['succeeded']);
    await warehouse(`UPDATE _pgsluice.runs SET started = started - INTERVAL 61 MINUTES`);
    await sync(database, { syncMode: 'auto' });
    expect(await outcomes()).toEqual(['succeeded', 'succeeded']);
    await warehouse(`UPDATE _pgsluice.runs SET outcome = 'failed'`);
    await sync(database, { syncMode: 'auto' });
    expect(await outcomes()).toEqual(['succeeded', 'failed', 'failed']);
  },
);
