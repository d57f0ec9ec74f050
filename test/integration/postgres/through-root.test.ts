/** Tables that are read through their root, since the role may not read their parts by themselves. */
import { openSource } from '../../../src/app/source-connection';
import type { Settings } from '../../../src/config/settings';
import { beginAndExport, endTransaction } from '../../../src/postgres/read/snapshot';
import { withWarehouse } from '../../helpers/compare';
import { settingsFor } from '../../helpers/settings';
import { arrival, database, described, equal, login, PARTITIONED, role, SILENT } from './selecting-role';

describe('reading through the root', () => {
  const byTime: Partial<Settings> = {
    syncMode: 'timestamp',
    customBatchSize: 50,
    timestampWindowSeconds: 0,
    reconcileEvery: 0,
  };

  beforeEach(async () => {
    // What the role may not read by itself is read through the root as well.
    await database.client.query(`${PARTITIONED}; GRANT SELECT ON sales TO ${role}`);
    expect((await described())?.throughRoot).toBe('privileges');
  });

  it('by timestamp, finds changes in every partition', async () => {
    expect(await arrival(byTime)).toMatchObject(equal(200));
    await database.client.query(
      `UPDATE sales SET v = 'new', updated_at = now() WHERE id IN (3, 150); INSERT INTO sales VALUES (500, true, 'x', now())`,
    );
    expect(await arrival(byTime)).toMatchObject(equal(201));
    const read = await withWarehouse(database, (it) =>
      it.rows(
        'SELECT count(*) FILTER (sync_timestamp = (SELECT max(sync_timestamp) FROM tester.source_public_sales))::INT FROM tester.source_public_sales',
      ),
    );
    // And the one that is at the watermark.
    expect(read).toEqual([[4]]);
  });

  it('by timestamp, follows partitions that come, go or are truncated', async () => {
    await arrival(byTime);
    await database.client.query(`
      CREATE TABLE old (LIKE sales); INSERT INTO old SELECT i, true, 'old', '2001-01-01' FROM generate_series(2001, 2030) i;
      ALTER TABLE sales ATTACH PARTITION old FOR VALUES FROM (2000) TO (3000)`);
    expect(await arrival(byTime)).toMatchObject(equal(230));
    await database.client.query('TRUNCATE sales_1');
    expect(await arrival(byTime)).toMatchObject(equal(130));
    await database.client.query('ALTER TABLE sales DETACH PARTITION sales_2');
    expect(await arrival(byTime)).toMatchObject(equal(30));
  });

  it('by timestamp, compares keys of all partitions', async () => {
    await arrival(byTime);
    await database.client.query('DELETE FROM sales WHERE id IN (5, 180)');
    expect(await arrival({ ...byTime, reconcileEvery: 1 })).toMatchObject(equal(198));
  });

  it('and by itself, in turn, as the privileges allow', async () => {
    await arrival(byTime);
    await database.client.query(`GRANT SELECT ON sales_1, sales_2 TO ${role}; DELETE FROM sales WHERE id = 5`);
    expect(await arrival(byTime)).toMatchObject(equal(199));
    await database.client.query(`REVOKE SELECT ON sales_1 FROM ${role}; DELETE FROM sales WHERE id = 6`);
    expect(await arrival(byTime)).toMatchObject(equal(198));
  });

  it('holds the locks of all partitions from the snapshot on', async () => {
    const table = await described();
    const manager = openSource(settingsFor(database, login), SILENT, 1);
    try {
      const session = await manager.lease();
      await beginAndExport(session, table?.relations ?? [], undefined);
      const { rows } = await database.client.query<{ name: string }>(
        `SELECT c.relname AS name FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
         WHERE c.relname ~ '^sales(_.)?$' AND l.mode = 'AccessShareLock' ORDER BY 1`,
      );
      expect(rows.map(({ name }) => name)).toEqual(['sales', 'sales_1', 'sales_2']);
      await endTransaction(session);
      await manager.release(session);
    } finally {
      await manager.close();
    }
  });
});
