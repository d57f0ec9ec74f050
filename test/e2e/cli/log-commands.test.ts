/** `pgsluice log`: what it prints and what it runs, on a real server. */
import { runCli, warningsIn, type CliResult } from '../../helpers/cli';
import { serverMajor } from '../../helpers/postgres';
import { configuration, database, log, publications, published, slots, status } from './log-command-server';

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
  const orders = (command: string): Promise<CliResult> =>
    runCli([command, '--sync-mode', 'log', '--table-filters', 'public.orders', '--configuration', configuration]);
  await database.client.query(`INSERT INTO orders SELECT i, 'note' FROM generate_series(1, 100) i`);
  expect((await orders('sync')).code).toBe(0);
  await database.client.query(`DELETE FROM orders WHERE id = 7; UPDATE orders SET note = 'new' WHERE id = 8`);
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
  const without = await orders('sync');
  expect(without.code).toBe(0);
  expect(warningsIn(without.stdout)).toEqual([expect.stringMatching(/The server has given up the replication slot/)]);
  expect((await orders('verify')).code).toBe(0);
  const mended = await log('setup', '--apply');
  expect(mended.stdout).toMatch(
    /Dropped the replication slot "pgsluice_.*", which the server had given up\.\nMade the replication slot/,
  );
  expect((await log('status')).code).toBe(0);
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
