/** Mode timestamp through gRPC: what changes without the update column is sent as well, unless the user trusts the column. */
import { join } from 'node:path';
import { runRound, type RoundReport } from '../../../src/fivetran/reference-client/platform';
import { configurationFor, startService, type TestService } from '../../helpers/fivetran/service';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, rangesMissing, type TestDatabase } from '../../helpers/postgres';

let database: TestDatabase;
let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE t (id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL);
    INSERT INTO t SELECT i, 'v', '2024-01-01'::timestamptz + i * interval '1 h' FROM generate_series(1, 500) i; CREATE INDEX ON t (updated_at)`);
});
afterEach(() => database.drop());

it.each([
  // The row of the watermark is read again where the column is believed, as it is where no range can be scanned.
  ['by default', {}, rangesMissing() === undefined ? 4 : 2],
  ['where reconcile_every says how often', { reconcile_every: '1000' }, 2],
])('%s', async (_, more, upserts) => {
  const round = async (): Promise<RoundReport> => {
    await allOlderEnded(database.client);
    const report = await runRound({
      address: service.address,
      configuration: configurationFor(database, { sync_mode: 'timestamp', ...more }),
      warehousePath: join(database.folder, 'platform.db'),
      statePath: join(database.folder, 'platform-state.json'),
    });
    expect(report.breaches).toEqual([]);
    return report;
  };
  await round();
  await database.client.query(
    `UPDATE t SET v = 'the date stays' WHERE id IN (7, 9, 11); UPDATE t SET v = 'new', updated_at = now() WHERE id = 8`,
  );
  expect((await round()).counts).toMatchObject({ upserts, deletes: 0, truncates: 0 });
});
