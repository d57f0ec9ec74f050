/** Mode log: transactions of every kind. In each case the copy must be the source after the next sync. */
import { setUpLog } from '../../helpers/log-server';
import { rangesMissing } from '../../helpers/postgres';
import { database, expectByLog, expectSame, follow, log, sql } from './followed-database';

describe('transactions', () => {
  const FILLED = `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 200) i`;

  it('with savepoints, rolled back or not', async () => {
    const outcome = await follow(
      FILLED,
      `BEGIN; SAVEPOINT a; DELETE FROM t WHERE id < 20; ROLLBACK TO a; UPDATE t SET v = 'kept' WHERE id = 1; SAVEPOINT b; DELETE FROM t WHERE id = 30; RELEASE b; COMMIT;;
       DO $$ BEGIN FOR i IN 1..70 LOOP BEGIN UPDATE t SET v = 'in a block' WHERE id = i; EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$`,
    );
    expectByLog(outcome);
  });

  it('that were prepared, before and after they are committed', async () => {
    await sql(FILLED);
    await setUpLog(database);
    await log();
    await sql(`BEGIN; DELETE FROM t WHERE id = 5; UPDATE t SET v = 'prepared' WHERE id = 6; PREPARE TRANSACTION 'p'`);
    await sql(`UPDATE t SET v = 'beside' WHERE id = 7`);
    await log();
    await expectSame();
    await sql(`COMMIT PREPARED 'p'`);
    expectByLog(await log());
    await expectSame();
  });

  it('that go on over a sync, and messages of others', async () => {
    await sql(FILLED);
    await setUpLog(database);
    await log();
    const late = await database.connect();
    await late.query(`BEGIN; DELETE FROM t WHERE id = 9; UPDATE t SET v = 'late' WHERE id = 10`);
    await sql(
      `SELECT pg_logical_emit_message(true, 'others', 'text'), pg_logical_emit_message(false, 'others', 'text'); DELETE FROM t WHERE id = 11`,
    );
    await log();
    await expectSame();
    await late.query('COMMIT');
    expectByLog(await log());
    await expectSame();
  });

  it('that wait for a standby, when their commit is in the log and nobody sees it yet', async () => {
    await sql(FILLED);
    await setUpLog(database);
    await log();
    await sql(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`);
    await sql('SELECT pg_reload_conf()');
    const waiting = await database.connect();
    await waiting.query('SET synchronous_commit = on');
    const committed = waiting.query(`DELETE FROM t WHERE id = 9`);
    try {
      await untilWaiting();
      await sql(`SET synchronous_commit = local; DELETE FROM t WHERE id = 12`);
      await log();
      await expectSame();
    } finally {
      await sql('ALTER SYSTEM RESET synchronous_standby_names');
      await sql('SELECT pg_reload_conf()');
      await committed;
    }
    expectByLog(await log());
    await expectSame();
  });

  async function untilWaiting(): Promise<void> {
    for (;;) {
      const { rows } = await database.client.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
      if (rows.length > 0) return;
    }
  }

  it('of more rows than are worth asking for one by one', async () => {
    const outcome = await follow(
      `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 120000) i; ANALYZE t`,
      `UPDATE t SET v = 'all';; DELETE FROM t WHERE id % 3 = 0`,
    );
    // Without ranges there is no scan for transaction ids, and each key is asked for.
    if (rangesMissing() !== undefined) expectByLog(outcome);
    else
      expect(outcome.lines.join('\n')).toMatch(
        /public\.t has changes of up to 160000 rows in the log; it is compared by transaction/,
      );
    await sql(`UPDATE t SET v = 'few' WHERE id < 30000`);
    expectByLog(await log());
    await expectSame();
  });
});
