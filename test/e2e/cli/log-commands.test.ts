/** `pgsluice log`: what it prints, what it runs, what it refuses; each on a real server. */
import { Client } from 'pg';
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { PGBOUNCER, startPgBouncer } from '../../helpers/pgbouncer';
import {
  createDatabase,
  serverMajor,
  startServer,
  withDatabase,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';
import { describeWhere } from '../../helpers/server-process';

interface SlotRow {
  readonly slot_name: string;
  readonly plugin: string | null;
}

interface Status {
  readonly slotName: string;
  readonly slot: { readonly retainedBytes: number; readonly confirmedFlushLsn: string } | null;
  readonly obstacles: readonly { readonly code: string }[];
  readonly warnings: readonly string[];
  readonly tables: readonly { readonly table: string; readonly covered: boolean; readonly remedy: string | null }[];
  readonly otherSlots: readonly { readonly name: string }[];
}

let server: PostgresServer;
let database: TestDatabase;
let configuration: string;

beforeAll(async () => {
  const version = process.env['PGSLUICE_TEST_PG_VERSION'];
  server = await startServer({
    ...(version === undefined ? {} : { version }),
    flags: {
      wal_level: 'logical',
      max_replication_slots: '3',
      max_wal_senders: '3',
      ...(serverMajor() >= 13 ? { max_slot_wal_keep_size: '48MB', max_wal_size: '32MB', min_wal_size: '32MB' } : {}),
    },
  });
});
afterAll(() => server.close());
beforeEach(async () => {
  database = await createDatabase({ server });
  configuration = writeConfiguration(database);
  await database.client.query(`
    CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE lines (a int, b int, what text, PRIMARY KEY (a, b));
    CREATE TABLE notes (v text); CREATE UNLOGGED TABLE cache (id int PRIMARY KEY); CREATE VIEW seen AS SELECT * FROM orders`);
});
afterEach(async () => {
  await database.client.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active`);
  await database.drop();
});

const log = (...args: readonly string[]): Promise<CliResult> =>
  runCli(['log', ...args, '--configuration', configuration]);

async function slots(): Promise<readonly SlotRow[]> {
  return (await database.client.query<SlotRow>('SELECT slot_name, plugin FROM pg_replication_slots ORDER BY 1')).rows;
}

async function published(): Promise<readonly string[]> {
  const { rows } = await database.client.query<{ t: string }>(
    `SELECT pubname || ' ' || tablename AS t FROM pg_publication_tables ORDER BY 1`,
  );
  return rows.map(({ t }) => t);
}

async function publications(): Promise<number> {
  const { rows } = await database.client.query<{ n: number }>('SELECT count(*)::int AS n FROM pg_publication');
  return rows[0]?.n ?? 0;
}

async function status(): Promise<Status> {
  return JSON.parse((await log('status', '--json')).stdout) as Status;
}

it('needs to be told what to do, and says what it knows', async () => {
  expect(await log()).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('setup, status or drop') as string,
  });
  expect((await log('begin')).code).toBe(2);
  expect((await log('--help')).stdout).toMatch(/setup.*\n?.*status.*\n?.*drop/);
});

it('prints a script that anybody can run, changes nothing by itself, and says when it is done', async () => {
  const printed = await log('setup');
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  expect(printed.stdout).toContain(
    '-- It costs: from now on the server keeps its log on disk until a sync has read it',
  );
  expect(printed.stdout).toContain('-- public.notes: it has no primary key');
  expect(printed.stdout).toContain('-- public.cache: it is unlogged (ALTER TABLE "public"."cache" SET LOGGED;)');
  if (serverMajor() >= 15)
    expect(printed.stdout).toContain('ONLY "public"."lines" ("a", "b"), ONLY "public"."orders" ("id")');
  expect([await slots(), await publications()]).toEqual([[], 0]);
  expect((await log('status')).code).toBe(4);

  await database.client.query(printed.stdout);
  expect(await published()).toEqual(['pgsluice lines', 'pgsluice orders']);
  expect(await slots()).toMatchObject([{ plugin: 'pgoutput' }]);
  expect((await log('setup')).stdout).toContain('-- Nothing is left to do.');
  const stands = await log('status');
  expect(stands).toMatchObject({ code: 0, stderr: '' });
  expect(stands.stdout).toMatch(/Position +0\/|Position +[0-9A-F]+\//);
  expect(stands.stdout).toContain('Tables       2 of 4 in mode log');
});

it('applies what is missing, once; a table that comes later is added', async () => {
  const first = await log('setup', '--apply');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toMatch(
    /Made the publication "pgsluice" for 2 tables\.\n.*\nMade the replication slot "pgsluice_[0-9a-f]{12}"\./,
  );
  const again = await log('setup', '--apply');
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout).toMatch(
    /^The publication "pgsluice" exists\.\nThe replication slot "pgsluice_[0-9a-f]{12}" exists\.\nNothing was left to do\./,
  );
  await database.client.query('CREATE TABLE later (id int PRIMARY KEY)');
  expect((await status()).tables.find(({ table }) => table === 'public.later')).toMatchObject({
    covered: false,
    remedy: 'ALTER PUBLICATION "pgsluice" ADD TABLE "public"."later";',
  });
  expect((await log('setup', '--apply')).stdout).toContain('Added 1 table to the publication "pgsluice".');
  expect(await published()).toEqual(['pgsluice later', 'pgsluice lines', 'pgsluice orders']);
  expect(await slots()).toHaveLength(1);
});

it('changes and deletes of the source go on after it', async () => {
  await database.client.query(`
    CREATE TABLE parts (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE whole (id int PRIMARY KEY, v text); ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE silent (id int PRIMARY KEY, v text); ALTER TABLE silent REPLICA IDENTITY NOTHING;
    CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE, v text);
    CREATE TABLE gen (id int, twice int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY)`);
  expect((await log('setup', '--apply')).code).toBe(0);
  for (const table of ['orders', 'whole', 'silent', 'deferred', 'gen'])
    await database.client.query(
      `INSERT INTO ${table} (id) VALUES (1); UPDATE ${table} SET id = 2; DELETE FROM ${table}; TRUNCATE ${table}`,
    );
  await database.client.query(
    `INSERT INTO parts VALUES (1, '2024-05-05', ''); UPDATE parts SET day = '2024-06-06', v = 'x'; DELETE FROM parts`,
  );
  const kept = (await published()).map((line) => line.split(' ')[1]);
  expect(kept).toEqual(expect.arrayContaining(['lines', 'orders', 'whole']));
  for (const table of ['silent', 'deferred', 'gen', 'notes', 'cache']) expect(kept).not.toContain(table);
});

it('takes it down: asks, the slot first, the publication unless somebody else may need it', async () => {
  expect(await log('drop')).toMatchObject({ code: 0, stdout: 'There is nothing to drop.\n' });
  await log('setup', '--apply');
  const unasked = await log('drop');
  expect(unasked.code).toBe(2);
  expect(unasked.stderr).toMatch(
    /would delete the replication slot "pgsluice_.*" and the publication "pgsluice"; repeat the command with --yes/,
  );
  expect(await slots()).toHaveLength(1);

  await database.client.query(`SELECT pg_create_logical_replication_slot('pgsluice_other', 'pgoutput')`);
  expect((await status()).otherSlots).toMatchObject([{ name: 'pgsluice_other' }]);
  const shared = await log('drop', '--yes');
  expect(shared.code).toBe(0);
  expect(shared.stdout).toMatch(
    /^Dropped the replication slot "pgsluice_[0-9a-f]+"\.\nKept the publication "pgsluice", which other replication slots may use: pgsluice_other\.\n$/,
  );
  await database.client.query(`SELECT pg_drop_replication_slot('pgsluice_other')`);
  expect((await log('drop', '--yes')).stdout).toBe('Dropped the publication "pgsluice".\n');
  expect([await slots(), await publications()]).toEqual([[], 0]);
});

it('leaves a publication of somebody else as it is', async () => {
  await database.client.query('CREATE PUBLICATION pgsluice FOR TABLE orders');
  const applied = await log('setup', '--apply');
  expect(applied.code).toBe(0);
  expect(applied.stdout).toContain('was not made by `pgsluice log setup`, so it stays as it is');
  expect(applied.stdout).toContain(
    'Not in mode log: public.lines, since the publication pgsluice does not contain it.',
  );
  expect(await published()).toEqual(['pgsluice orders']);
  expect((await log('drop', '--yes')).stdout).toContain(
    'Kept the publication "pgsluice", which `pgsluice log setup` did not make.',
  );
  expect(await publications()).toBe(1);
});

it('a slot whose publication was dropped is made anew, since it could never be read again', async () => {
  await log('setup', '--apply');
  await database.client.query('DROP PUBLICATION pgsluice');
  const stands = await log('status');
  expect(stands.code).toBe(4);
  expect(stands.stdout).toContain('FAILURE There is no publication "pgsluice". Run `pgsluice log setup`.');
  const mended = await log('setup', '--apply');
  expect(mended.code).toBe(0);
  expect(mended.stdout).toMatch(/Dropped the replication slot "pgsluice_.*", which was older than its publication/);
  expect((await log('status')).code).toBe(0);
  const { slotName } = await status();
  // It can be read from its beginning.
  // With synchronous_commit off, the log has it only a moment later.
  await database.client.query('INSERT INTO orders VALUES (1)');
  await database.client.query('CHECKPOINT');
  const { rows } = await database.client.query(
    `SELECT * FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', 'pgsluice')`,
    [slotName],
  );
  expect(rows.length).toBeGreaterThan(0);
});

it('a slot that the server gave up is recognized, and made anew', async () => {
  if (serverMajor() < 13) return;
  await log('setup', '--apply');
  await database.client.query('CREATE TABLE filler (v text)');
  for (let round = 0; round < 8; round++) {
    await database.client.query(`INSERT INTO filler SELECT repeat(md5(i::text), 30) FROM generate_series(1, 20000) i`);
    await database.client.query('SELECT pg_switch_wal(); CHECKPOINT');
  }
  const stands = await log('status');
  expect(stands.code).toBe(4);
  expect(stands.stdout).toMatch(
    /FAILURE The server has given up the replication slot "pgsluice_.*" \((?:lost|wal_removed)\)/,
  );
  const mended = await log('setup', '--apply');
  expect(mended.stdout).toMatch(
    /Dropped the replication slot "pgsluice_.*", which the server had given up\.\nMade the replication slot/,
  );
  expect((await log('status')).code).toBe(0);
});

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
    configuration = writeConfiguration(database, { username: role, password: 'p' });
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
    const { host, port, user, password, name } = database;
    const consumer = new Client({ host, port, user, password, database: name, replication: 'database' } as object);
    consumer.on('error', () => undefined);
    await consumer.connect();
    const consuming = consumer
      .query(`START_REPLICATION SLOT ${slotName} LOGICAL 0/0 (proto_version '1', publication_names 'pgsluice')`)
      .catch(() => undefined);
    try {
      while (!(await database.client.query('SELECT 1 FROM pg_replication_slots WHERE active')).rows.length);
      await refusal(
        /The replication slot "pgsluice_.*" is being read by another session \(PID \d+\)\. Wait for it, or end it: SELECT pg_terminate_backend\(\d+\);/,
      );
      expect((await log('drop', '--yes')).code).toBe(4);
      expect(await log('status')).toMatchObject({ code: 0, stdout: expect.stringContaining('being read') as string });
    } finally {
      await database.client.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active');
      await consuming;
      await consumer.end().catch(() => undefined);
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
        configuration = writeConfiguration(database, { host: pool.host, port: String(pool.port) });
        await refusal(/A pooler in transaction mode stands before the server/);
      } finally {
        await pool.close();
      }
    });
  });
});

it('reset leaves the slot, and drops it where told so, before all else', async () => {
  await log('setup', '--apply');
  expect((await runCli(['sync', '--configuration', configuration])).code).toBe(0);
  expect((await runCli(['reset', '--yes', '--configuration', configuration])).code).toBe(0);
  expect(await slots()).toHaveLength(1);
  expect((await runCli(['sync', '--configuration', configuration])).code).toBe(0);
  const dropped = await runCli(['reset', '--yes', '--drop-slot', '--configuration', configuration]);
  expect(dropped.code).toBe(0);
  expect(dropped.stdout).toMatch(/Dropped the replication slot "pgsluice_.*"\.\n(?:.*\n)*Deleted .*warehouse\.db/);
  expect([await slots(), await publications()]).toEqual([[], 0]);
  // A server that cannot be asked keeps the files.
  expect((await runCli(['sync', '--configuration', configuration])).code).toBe(0);
  const away = await runCli(['reset', '--yes', '--drop-slot', '--port', '1', '--configuration', configuration]);
  expect(away).toMatchObject({ code: 3, stdout: expect.not.stringContaining('Deleted') as string });
});
