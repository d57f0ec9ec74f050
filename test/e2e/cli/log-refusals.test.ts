/** `pgsluice log`: what it refuses, on a real server. */
import { runCli, writeConfiguration } from '../../helpers/cli';
import { holdSlot } from '../../helpers/log-server';
import { PGBOUNCER, startPgBouncer } from '../../helpers/pgbouncer';
import { withDatabase } from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';
import { database, log, publications, server, slots, status } from './log-command-server';

describe('what stands in the way: a sentence, the statement that helps, exit code 4, and nothing half made', () => {
  const refusal = async (expected: RegExp, flags: readonly string[] = []): Promise<void> => {
    const before = [await slots(), await publications()];
    const { code, stderr } = await log('setup', '--apply', ...flags);
    expect(stderr).toMatch(expected);
    expect(code).toBe(4);
    expect([await slots(), await publications()]).toEqual(before);
  };

  it('wal_level', () =>
    withDatabase(async (minimal) => {
      await minimal.client.query('CREATE TABLE t (id int PRIMARY KEY)');
      const path = writeConfiguration(minimal);
      const applied = await runCli(['log', 'setup', '--apply', '--configuration', path]);
      expect(applied.code).toBe(4);
      expect(applied.stderr).toBe(
        "pgsluice: Mode log was not set up, and nothing was changed: The server's wal_level is minimal, and mode log needs logical. ALTER SYSTEM SET wal_level = logical; -- then restart the server\n",
      );
      const { rows } = await minimal.client.query('SELECT 1 FROM pg_publication');
      expect(rows).toEqual([]);
      const printed = await runCli(['log', 'setup', '--configuration', path]);
      expect(printed.code).toBe(4);
      expect(printed.stdout).toContain('CREATE PUBLICATION "pgsluice"');
    }));

  it('no attribute REPLICATION, and no ownership', async () => {
    const role = `reader_${database.name}`;
    await database.client.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'p'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`,
    );
    writeConfiguration(database, { username: role, password: 'p' });
    await refusal(new RegExp(`The role "${role}" may use no replication slot. ALTER ROLE "${role}" REPLICATION;`));
    await database.client.query(`ALTER ROLE ${role} REPLICATION`);
    await refusal(new RegExp(`The role "${role}" may not make a publication in the database "${database.name}"`));
    await database.client.query(`GRANT CREATE ON DATABASE ${database.name} TO ${role}`);
    await refusal(
      new RegExp(`The role "${role}" may not publish 2 of the tables, which it does not own, such as public.lines.`),
    );
    // What the owner ran suffices for the rest.
    await database.client.query('CREATE PUBLICATION pgsluice FOR TABLE orders, lines');
    expect((await log('setup', '--apply')).code).toBe(0);
    expect((await log('status')).code).toBe(0);
    expect((await log('drop', '--yes')).code).toBe(0);
    await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it('no free slot', async () => {
    for (const name of ['a', 'b', 'c'])
      await database.client.query(`SELECT pg_create_physical_replication_slot('${name}')`);
    await refusal(
      /All 3 replication slots of the server are in use, so "pgsluice_.*" cannot be made\. ALTER SYSTEM SET max_replication_slots = 13;/,
    );
  });

  it('a slot name that another plugin, a standby or another database has', async () => {
    const named = ['--slot-name', 'taken'];
    await database.client.query(`SELECT pg_create_logical_replication_slot('taken', 'test_decoding')`);
    await refusal(
      /The replication slot "taken" is of the output plugin test_decoding, and not ours\. Name another one with "slot_name"/,
      named,
    );
    expect(await log('drop', '--yes', ...named)).toMatchObject({ code: 4, stdout: '' });
    await database.client.query(
      `SELECT pg_drop_replication_slot('taken'); SELECT pg_create_physical_replication_slot('taken')`,
    );
    await refusal(/The replication slot "taken" is a physical one, of a standby, and not ours/, named);
    await database.client.query(`SELECT pg_drop_replication_slot('taken')`);
    await withDatabase(
      async (other) => {
        await other.client.query(`SELECT pg_create_logical_replication_slot('taken', 'pgoutput')`);
        await refusal(new RegExp(`The replication slot "taken" belongs to the database "${other.name}"`), named);
        expect((await log('drop', '--yes', ...named)).code).toBe(4);
        await other.client.query(`SELECT pg_drop_replication_slot('taken')`);
      },
      { server },
    );
  });

  it('a slot that another program reads', async () => {
    await log('setup', '--apply');
    const { slotName } = await status();
    const holder = await holdSlot(database, slotName);
    try {
      await refusal(
        /The replication slot "pgsluice_.*" is being read by another session \(PID \d+\)\. Wait for it, or end it: SELECT pg_terminate_backend\(\d+\);/,
      );
      expect((await log('drop', '--yes')).code).toBe(4);
      expect(await log('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('being read') as string });
    } finally {
      await holder.end();
    }
  });

  it('a transaction that does not end', async () => {
    const other = await database.connect();
    await other.query('BEGIN; INSERT INTO orders VALUES (7)');
    await refusal(
      /The replication slot "pgsluice_.*" could not be made: it waits until every transaction that was running has ended, and one had not after 0\.8 s\. The publication was dropped again\. Run it again when they have; to see them: SELECT/,
      ['--statement-timeout-seconds', '1'],
    );
    await other.query('COMMIT');
    expect((await log('setup', '--apply')).code).toBe(0);
  });

  it('no table that the log can answer for', async () => {
    await refusal(/The log can answer for no table of the configuration\. ALTER TABLE "public"."cache" SET LOGGED;/, [
      ...['--include-views', '--table-filters', 'public.cache,public.seen'],
    ]);
    await refusal(/The log can answer for no table of the configuration\. Set "sync_mode"/, ['--sync-mode', 'xmin']);
  });

  it('bad names', async () => {
    expect(await log('setup', '--slot-name', 'No-Slot')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('lower-case letters') as string,
    });
  });

  it('names that need quotes', async () => {
    const flags = ['--publication-name', `it's "odd"`, '--slot-name', 'odd'];
    expect((await log('setup', '--apply', ...flags)).code).toBe(0);
    expect((await log('status', ...flags)).code).toBe(0);
    expect((await log('drop', '--yes', ...flags)).stdout).toContain(`Dropped the publication "it's ""odd""".`);
  });

  describeWhere(PGBOUNCER === undefined ? 'PgBouncer (apt-get install pgbouncer)' : undefined, 'a pooler', () => {
    it('in transaction mode', async () => {
      const pool = await startPgBouncer('transaction', 5, server);
      try {
        writeConfiguration(database, { host: pool.host, port: String(pool.port) });
        await refusal(/A pooler in transaction mode stands before the server/);
      } finally {
        await pool.close();
      }
    });
  });
});
