/** Mode log of a hot standby: its snapshots do not tell which transactions were running. */
import { setTimeout as delay } from 'node:timers/promises';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { slotOf } from '../../helpers/log-server';
import {
  createDatabase,
  serverMajor,
  withClient,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';
import { describeWhere, type ServerProcess } from '../../helpers/server-process';
import { caughtUp, startPrimary, startStandby } from '../../helpers/standby-server';
import { actingBefore } from '../before-statement';
import { sync, type SyncOutcome } from '../sync';

const missing = serverMajor() >= 16 ? undefined : 'PostgreSQL 16 or newer, whose standbys can decode';

describeWhere(missing, 'a standby', () => {
  let primary: PostgresServer;
  let standby: ServerProcess;
  let database: TestDatabase;
  beforeAll(async () => {
    primary = await startPrimary({ wal_level: 'logical', hot_standby_feedback: 'on', max_replication_slots: '5' });
    standby = await startStandby(primary);
    database = await createDatabase({ server: primary });
    await database.client.query(`CREATE TABLE t (id int PRIMARY KEY, v text);
      INSERT INTO t SELECT i, 'v' FROM generate_series(1, 900) i; CREATE PUBLICATION pgsluice FOR TABLE t`);
    await caughtUp(primary, standby);
    await makeSlotThere();
  });
  afterAll(async () => {
    await database.drop();
    await standby.close();
    await primary.close();
  });

  /** An idle primary writes nothing that a new slot of its standby could begin at. */
  async function makeSlotThere(): Promise<void> {
    const made = withClient(standby, database.name, async (client) => {
      await client.query('SELECT pg_create_logical_replication_slot($1, $2)', [slotOf(database), 'pgoutput']);
    }).then(() => true);
    while (!(await Promise.race([made, delay(200, false)])))
      await withClient(primary, 'postgres', (client) => client.query('SELECT pg_log_standby_snapshot()'));
  }

  async function log(): Promise<SyncOutcome> {
    await caughtUp(primary, standby);
    const outcome = await sync(database, { host: standby.host, port: standby.port, syncMode: 'log' });
    expect(outcome.failures).toEqual({});
    expect(outcome.lines.filter((line) => line.startsWith('WARNING'))).toEqual([]);
    return outcome;
  }

  it('of which a transaction ends between its snapshot and the end of its log', async () => {
    await log();
    const late = await database.connect();
    await late.query(
      `BEGIN; UPDATE t SET v = 'late' WHERE id = 5; DELETE FROM t WHERE id = 6; INSERT INTO t VALUES (1000, 'late')`,
    );
    await database.client.query(`UPDATE t SET v = 'before' WHERE id = 7; DELETE FROM t WHERE id = 8`);
    const end = async (): Promise<void> => {
      await late.query('COMMIT');
      await caughtUp(primary, standby);
    };
    await actingBefore('pg_current_wal_insert_lsn()', end, log);
    await log();
    const compared = await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
    );
    expect(compared).toEqual(same(899));
  });

  it('of which a transaction goes on: what is committed beside it comes at once', async () => {
    const late = await database.connect();
    await late.query(`BEGIN; UPDATE t SET v = 'later' WHERE id = 15`);
    await database.client.query(`UPDATE t SET v = 'beside' WHERE id = 17; DELETE FROM t WHERE id = 18`);
    for (const v of ['beside', 'again']) {
      await database.client.query(`UPDATE t SET v = '${v}' WHERE id = 19`);
      await log();
      const compared = await withWarehouse(database, (warehouse) =>
        compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
      );
      expect(compared).toEqual(same(898));
    }
    await late.query('ROLLBACK');
  });
});
