import { runVerify } from '../../../src/app/verify-run';
import { createDatabase, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import type { ServerProcess } from '../../helpers/server-process';
import { settingsFor } from '../../helpers/settings';
import { caughtUp, startPrimary, startStandby } from '../../helpers/standby-server';
import { sync } from '../sync';

describe('a hot standby', () => {
  let primary: PostgresServer;
  let standby: ServerProcess;
  let database: TestDatabase;
  beforeAll(async () => {
    primary = await startPrimary();
    standby = await startStandby(primary);
    database = await createDatabase({ server: primary });
  });
  afterAll(async () => {
    await database.drop();
    await standby.close();
    await primary.close();
  });

  it('is read like any server: a first sync, one of changes, and a comparison', async () => {
    await database.client.query(`
      CREATE TABLE big (id int PRIMARY KEY, v text, price numeric); CREATE TABLE keyless (a int, at timestamptz);
      INSERT INTO big SELECT i, 'v' || i, i / 3.0 FROM generate_series(1, 9000) i;
      INSERT INTO keyless SELECT i % 9, now() FROM generate_series(1, 200) i; ANALYZE`);
    const login = { host: standby.host, port: standby.port, syncMode: 'xmin' as const };
    for (const changes of ['', `UPDATE big SET v = 'changed' WHERE id % 100 = 0; DELETE FROM big WHERE id = 7`]) {
      await database.client.query(changes);
      await caughtUp(primary, standby);
      expect((await sync(database, login, { reconcile: true })).failures).toEqual({});
      const { tables } = await runVerify(settingsFor(database, login), {
        logger: { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined },
        signal: new AbortController().signal,
        show: 3,
        sample: 1,
      });
      expect(tables).toMatchObject([{ outcome: 'equal' }, { outcome: 'equal' }]);
      expect(tables.map(({ sourceRows }) => sourceRows).sort()).toEqual([200, changes === '' ? 9_000 : 8_999]);
    }
  });
});
