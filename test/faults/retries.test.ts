/** What is tried again, how often, and after which delays. */
import { setTimeout as delay } from 'node:timers/promises';
import { retryDelaySeconds } from '../../src/common/retry';
import { runCli, startCli, writeConfiguration } from '../helpers/cli';
import { compareTable, same, withWarehouse } from '../helpers/compare';
import { expectPresentable } from '../helpers/fault-report';
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { startProxy } from '../helpers/tcp-proxy';

describe('the delay', () => {
  it.each([
    [0, 5],
    [1, 10],
    [3, 40],
    [5, 160],
    [6, 300],
    [50, 300],
  ])('after failure %d: half to one and a half of %d s', (attempt, base) => {
    expect(retryDelaySeconds(attempt, 5, () => 0)).toBe(base / 2);
    expect(retryDelaySeconds(attempt, 5, () => 0.5)).toBe(base);
    expect(retryDelaySeconds(attempt, 5, () => 0.999)).toBeCloseTo(base * 1.499);
  });

  it('is spread evenly, so that those who failed together do not return together', () => {
    const delays = Array.from({ length: 2000 }, () => retryDelaySeconds(2, 5));
    for (const from of [10, 15, 20, 25]) {
      expect(delays.filter((seconds) => seconds >= from && seconds < from + 5).length).toBeGreaterThan(400);
    }
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...delays)).toBeLessThan(30);
  });
});

describe('a table whose reading fails', () => {
  const PASSWORD = 'r3ader';
  let database: TestDatabase;
  let role: string;
  beforeEach(async () => {
    database = await createDatabase();
    role = `role_${database.name}`;
    // Row-level security calls a function at every read, which fails as it is told.
    await database.client.query(`
      CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}';
      CREATE TABLE mood (state text);
      INSERT INTO mood VALUES ('00000');
      CREATE FUNCTION fail_in_mood() RETURNS boolean LANGUAGE plpgsql AS $$
        DECLARE now_state text := (SELECT state FROM public.mood);
        BEGIN
          IF now_state <> '00000' THEN RAISE EXCEPTION 'as told' USING ERRCODE = now_state; END IF;
          RETURN true;
        END $$;
      CREATE TABLE moody (id int PRIMARY KEY);
      INSERT INTO moody SELECT generate_series(1, 100);
      ALTER TABLE moody ENABLE ROW LEVEL SECURITY;
      CREATE POLICY p ON moody USING (public.fail_in_mood());
      GRANT SELECT ON moody, mood TO ${role};
    `);
  });
  afterEach(async () => {
    await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await database.drop();
  });

  const configure = (more: Readonly<Record<string, string>>): string =>
    writeConfiguration(database, { username: role, password: PASSWORD, table_filters: 'moody', ...more });

  it.each([
    ['40P01', 'a deadlock'],
    ['40001', 'a serialization failure'],
    ['53000', 'a lack of resources'],
    ['57014', 'a cancelled statement'],
  ])('with %s (%s) is read again, and is whole when that is over', async (state) => {
    await database.client.query('UPDATE mood SET state = $1', [state]);
    const run = startCli(['sync', '--configuration', configure({ max_retries: '20', retry_sleep_seconds: '0.1' })]);
    await run.waitFor(/Retrying public\.moody after backoff \d+\.\d\ds \(attempt 2\/20\)/);
    await database.client.query("UPDATE mood SET state = '00000'");
    const result = await run.ended;
    expectPresentable(result, [database.password]);
    expect(result.code).toBe(0);
    const compared = await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name: 'moody' }),
    );
    expect(compared).toEqual(same(100));
  });

  it('by statement_timeout is read in smaller batches, and is whole', async () => {
    await database.client.query(`
      CREATE FUNCTION slowly() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.pg_sleep(0.005) IS NOT NULL';
      CREATE TABLE sleepy (id int PRIMARY KEY); INSERT INTO sleepy SELECT generate_series(1, 400);
      ALTER TABLE sleepy ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON sleepy USING (public.slowly());
      GRANT SELECT ON sleepy TO ${role}; ANALYZE sleepy`);
    const result = await runCli([
      'sync',
      '--configuration',
      // 300 rows take a second and a half.
      configure({ table_filters: 'sleepy', custom_batch_size: '300', statement_timeout_seconds: '1' }),
    ]);
    expectPresentable(result, [database.password]);
    expect(result.code).toBe(0);
    const compared = await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name: 'sleepy' }),
    );
    expect(compared).toEqual(same(400));
  });

  it('is given up after max_retries attempts, with delays that double', async () => {
    await database.client.query("UPDATE mood SET state = '40P01'");
    const result = await runCli([
      'sync',
      '--configuration',
      configure({ max_retries: '4', retry_sleep_seconds: '0.1' }),
    ]);
    expect(result.code).toBe(4);
    expect(result.stdout).toMatch(/Max retries exceeded for table public\.moody/);
    const attempts = [...result.stdout.matchAll(/Error processing table public\.moody, attempt (\d)\/4: /g)];
    expect(attempts.map((match) => match[1])).toEqual(['1', '2', '3', '4']);
    // Each is chosen between half and one and a half of a base that doubles; the test waits for none of them.
    const delays = [...result.stdout.matchAll(/Retrying public\.moody after backoff (\S+)s \(attempt (\d)\/4\)/g)];
    expect(delays.map(([, , attempt]) => attempt)).toEqual(['2', '3', '4']);
    for (const [index, [, seconds]] of delays.entries()) {
      const [least, most] = [0, 1].map((random) => retryDelaySeconds(index, 0.1, () => random).toFixed(2));
      expect(Number(seconds)).toBeGreaterThanOrEqual(Number(least));
      expect(Number(seconds)).toBeLessThanOrEqual(Number(most));
    }
  });

  it('with max_retries 0 is tried once, and read when it is over', async () => {
    await database.client.query("UPDATE mood SET state = '40P01'");
    const configuration = configure({ max_retries: '0' });
    const result = await runCli(['sync', '--configuration', configuration]);
    expect(result.code).toBe(4);
    expect(result.stdout).toMatch(/Error processing table public\.moody, attempt 1\/1: /);
    expect(result.stdout).not.toMatch(/Retrying/);
    await database.client.query("UPDATE mood SET state = '00000'");
    expect((await runCli(['sync', '--configuration', configuration])).code).toBe(0);
  });

  it.each([
    ['42501', 'a missing right'],
    ['22012', 'a defect of the data'],
  ])('with %s (%s) is not tried again', async (state) => {
    await database.client.query('UPDATE mood SET state = $1', [state]);
    const result = await runCli(['sync', '--configuration', configure({})]);
    expect(result.code).toBe(4);
    expect(result.stdout).not.toMatch(/Retrying/);
    expect(result.stdout).toMatch(/Error processing table public\.moody, attempt 1\/5: /);
  });
});

it('a server that falls silent counts as lost after stall_timeout_seconds, and the sync goes on', async () => {
  const database = await createDatabase();
  const proxy = await startProxy(database);
  try {
    await database.client.query(`
      CREATE TABLE big (id int PRIMARY KEY, noise text);
      INSERT INTO big SELECT i, md5(i::text) FROM generate_series(1, 60000) i;
      ANALYZE big`);
    // In the middle of the table: its texts alone are 2,200,000 bytes.
    const silent = proxy.stallAfter(1_200_000);
    const run = startCli([
      'sync',
      '--configuration',
      writeConfiguration(database, {
        host: proxy.host,
        port: String(proxy.port),
        custom_batch_size: '100',
        stall_timeout_seconds: '1',
        max_retries: '10',
        // On a busy machine an honest statement may take longer than the limit as well.
        retry_sleep_seconds: '0.1',
      }),
    ]);
    const timesLost = (): number => run.output().split('did not answer for 1 s').length;
    await silent;
    const before = timesLost();
    while (timesLost() === before) await delay(5);
    proxy.resume();
    const result = await run.ended;
    expectPresentable(result, [database.password]);
    expect(result.code).toBe(0);
    const compared = await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name: 'big' }),
    );
    expect(compared).toEqual(same(60_000));
  } finally {
    await proxy.close();
    await database.drop();
  }
});
