/** A table that takes many checkpoints, killed after some of them, goes on from there while rows move about. */
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { startCli, writeConfiguration } from '../helpers/cli';
import { compareTable, same, withWarehouse } from '../helpers/compare';
import { endInTime, syncKilledAt } from '../helpers/fault-run';
import { allOlderEnded } from '../helpers/older-transactions';

const ROWS = 250_000;

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

it('reads only the rest, and catches up on what changed between', async () => {
  const { client } = database;
  await client.query(`
    CREATE TABLE huge (id int PRIMARY KEY, note text) WITH (fillfactor = 100);
    INSERT INTO huge SELECT i, 'first' FROM generate_series(1, ${ROWS}) i;
    ANALYZE huge;
    -- To the planner of syncs a table of this many rows is large: a checkpoint every 100,000 rows.
    UPDATE pg_class SET reltuples = 60000000 WHERE relname = 'huge';
  `);
  // Catching up reads what is not older than the oldest transaction of the server: with another test's, all of it.
  await allOlderEnded(client);
  const configuration = writeConfiguration(database);
  // The first commit is that of the descriptions of tables and columns.
  const killed = await syncKilledAt(configuration, 'commit:3:after');
  expect(killed.signal).toBe('SIGKILL');
  expect(killed.stdout).toMatch(/Checkpointing public\.huge after \d+ records/);
  const [saved] = await withWarehouse(database, (warehouse) =>
    warehouse.rows("SELECT CAST(json_extract(entry, '$.load.rows') AS INTEGER) FROM _pgsluice.state"),
  );
  const before = Number(saved?.[0]);
  expect(before).toBeGreaterThanOrEqual(100_000);
  expect(before).toBeLessThan(ROWS);

  // From the part that was read to the part that was not, and back; and rows that go, and come.
  await client.query(`UPDATE huge SET note = repeat('moved to the end ', 20) WHERE id % 100 = 1`);
  await client.query(`DELETE FROM huge WHERE id % 100 = 2`);
  await client.query('VACUUM huge');
  await client.query(`UPDATE huge SET note = 'moved into a gap' WHERE id > ${ROWS - 3000}`);
  await client.query(`INSERT INTO huge SELECT i, 'new' FROM generate_series(${ROWS + 1}, ${ROWS + 2000}) i`);

  const resumed = await endInTime(startCli(['sync', '--configuration', configuration]));
  expect(resumed.code).toBe(0);
  expect(resumed.stdout).toMatch(
    new RegExp(
      `Going on with the load of public\\.huge that began [-\\d]{10} [:\\d]{8} UTC: ${before} of about \\d+ rows are there already`,
    ),
  );
  expect(resumed.stdout).toMatch(/Catching up public\.huge/);
  // What had been read was not read again.
  const upserts = Number(/Upserts\s*\|\s*(\d+)/.exec(resumed.stdout)?.[1]);
  expect(upserts).toBeLessThan(ROWS - before + 20_000);
  const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM huge');
  const compared = await withWarehouse(database, (warehouse) =>
    compareTable(client, warehouse, { schema: 'public', name: 'huge' }),
  );
  expect(compared).toEqual(same(rows[0]?.n ?? -1));
});

it('brings up to date what was read to the end before the kill', async () => {
  const { client } = database;
  // Large enough to be checkpointed with its last row.
  await client.query(`
    CREATE TABLE huge (id int PRIMARY KEY, note text);
    INSERT INTO huge SELECT i, 'first' FROM generate_series(1, 100000) i;
    ANALYZE huge;
    UPDATE pg_class SET reltuples = 60000000 WHERE relname = 'huge';
  `);
  // And in batches that reach to the end of its last page.
  const configuration = writeConfiguration(database, { custom_batch_size: '50000' });
  // The first commit is that of the descriptions of tables and columns.
  expect((await syncKilledAt(configuration, 'commit:2:after')).signal).toBe('SIGKILL');
  const [left] = await withWarehouse(database, (warehouse) =>
    warehouse.rows("SELECT CAST(json_extract(entry, '$.load.relations[0].pending') AS VARCHAR) FROM _pgsluice.state"),
  );
  expect(left).toEqual(['[]']);
  await client.query(`UPDATE huge SET note = 'second' WHERE id <= 10; DELETE FROM huge WHERE id > 99000`);
  const again = await endInTime(startCli(['sync', '--configuration', configuration]));
  expect(again.code).toBe(0);
  const compared = await withWarehouse(database, (warehouse) =>
    compareTable(client, warehouse, { schema: 'public', name: 'huge' }),
  );
  expect(compared).toEqual(same(99_000));
});

it('starts over, and says so, when the table was rewritten meanwhile', async () => {
  const { client } = database;
  await client.query(`
    CREATE TABLE huge (id int PRIMARY KEY, note text);
    INSERT INTO huge SELECT i, 'first' FROM generate_series(1, 150000) i;
    ANALYZE huge;
    UPDATE pg_class SET reltuples = 60000000 WHERE relname = 'huge';
  `);
  const configuration = writeConfiguration(database);
  expect((await syncKilledAt(configuration, 'commit:2:after')).signal).toBe('SIGKILL');
  await client.query('DELETE FROM huge WHERE id % 3 = 0');
  await client.query('VACUUM FULL huge');
  const again = await endInTime(startCli(['sync', '--configuration', configuration]));
  expect(again.code).toBe(0);
  expect(again.stdout).toMatch(/WARNING public\.huge was rewritten.* since its load began; it is read from the start/);
  const compared = await withWarehouse(database, (warehouse) =>
    compareTable(client, warehouse, { schema: 'public', name: 'huge' }),
  );
  expect(compared).toEqual(same(100_000));
});
