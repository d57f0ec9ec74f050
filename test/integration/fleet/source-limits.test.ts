import { setTimeout as delay } from 'node:timers/promises';
import { SourceLimits } from '../../../src/fleet/source-limits';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { inLake } from '../../helpers/lake-world';
import { sync } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

it('gives out no more tokens than there are, over all sessions', async () => {
  const [one, other] = [await database.connect(), await database.connect()].map((client) => new SourceLimits(client));
  const first = await one?.take('acme', 3, 2);
  // The same session asks again, as another job of the worker does: PostgreSQL would give it its own locks twice.
  const second = await one?.take('acme', 3, 2);
  expect([first?.count, second?.count]).toEqual([2, 1]);
  expect(await one?.take('acme', 3, 1)).toBeUndefined();
  expect(await other?.take('acme', 3, 1)).toBeUndefined();
  expect((await other?.take('globex', 3, 9))?.count).toBe(3);
  await second?.release();
  await second?.release();
  expect((await other?.take('acme', 3, 9))?.count).toBe(1);
});

it('frees the tokens of a worker that died', async () => {
  const dying = await database.connect();
  const living = new SourceLimits(await database.connect());
  expect((await new SourceLimits(dying).take('acme', 2, 2))?.count).toBe(2);
  expect(await living.take('acme', 2, 1)).toBeUndefined();
  const { rows } = await dying.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await database.client.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
  let taken;
  while (taken === undefined) taken = await living.take('acme', 2, 2);
  expect(taken.count).toBeGreaterThan(0);
});

it.each([1, 2])('a sync that may have %i connections never has more', async (maxConnections) => {
  await database.client.query(`CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int, v text);
    INSERT INTO a SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i;
    INSERT INTO b SELECT i, repeat('y', 500) FROM generate_series(1, 5000) i; ANALYZE`);
  const own = (await database.client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  let most = 0;
  let over = false;
  const sampling = (async () => {
    while (!over) {
      const { rows } = await database.client.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1 AND pid <> $2 AND backend_type = 'client backend'",
        [database.name, own],
      );
      most = Math.max(most, rows[0]?.n ?? 0);
      await delay(5);
    }
  })();
  const settings = inLake(database, { customBatchSize: 500, customThreads: 4 });
  for (const round of [1, 2]) {
    const { failures } = await sync(database, settings, { maxConnections });
    expect(failures).toEqual({});
    await database.client.query(`UPDATE a SET v = 'round ${round}' WHERE id % 10 = 0; DELETE FROM a WHERE id < 100`);
  }
  over = true;
  await sampling;
  expect(most).toBe(maxConnections);
});
