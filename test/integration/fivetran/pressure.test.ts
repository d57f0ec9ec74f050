import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { runCli, startCli, type RunningCli } from '../../helpers/cli';
import { ReferenceClient, recordsOf, type ReceivedMessage } from '../../../src/fivetran/reference-client/client';
import { configurationFor } from '../../helpers/fivetran/service';

const ROWS = 200_000;
let database: TestDatabase;
let observer: Client;
let server: RunningCli;
let client: ReferenceClient;
let port: number;

beforeAll(async () => {
  database = await createDatabase();
  observer = await database.connect();
  await database.client.query(`
    CREATE TABLE public.wide AS SELECT i AS id, md5(i::text) AS a, md5((i + 1)::text) AS b, repeat('x', 100) AS c
      FROM generate_series(1, ${ROWS}) AS i;
    ALTER TABLE public.wide ADD PRIMARY KEY (id);
    ANALYZE`);
  server = startCli(['serve', '--port', '0'], { cwd: database.folder });
  await server.waitFor(/Listening on 127\.0\.0\.1:\d+/);
  port = Number(/127\.0\.0\.1:(\d+)/.exec(server.output())?.[1]);
  client = new ReferenceClient(`localhost:${port}`);
});
afterAll(async () => {
  client?.close();
  server?.kill('SIGTERM');
  await server?.ended;
  await database?.drop();
});

/** Connections of the service to the test database. */
async function connections(): Promise<number> {
  const { rows } = await observer.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1 AND application_name = 'pgsluice'`,
    [database.name],
  );
  return rows[0]?.n ?? -1;
}

/** Age of the oldest snapshot that the service holds, seconds. */
async function oldestSnapshot(): Promise<number> {
  const { rows } = await observer.query<{ age: number }>(
    `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS age FROM pg_stat_activity
     WHERE datname = $1 AND application_name = 'pgsluice' AND xact_start IS NOT NULL`,
    [database.name],
  );
  return rows[0]?.age ?? -1;
}

function rss(): number {
  const [, kb] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? [];
  return Number(kb) / 1024;
}

const configuration = (more: Record<string, string> = {}): Record<string, string> =>
  configurationFor(database, { sync_mode: 'full', table_filters: 'public.wide', ...more });

/** Reads a whole Update, pausing as told; returns the distinct keys and the highest memory seen. */
async function consume(
  more: Record<string, string>,
  pause: (messages: number) => Promise<void>,
): Promise<{ keys: number; records: number; peakMb: number }> {
  const keys = new Set<unknown>();
  let records = 0;
  let peakMb = 0;
  let messages = 0;
  for await (const received of client.update({ configuration: configuration(more) })) {
    for (const record of recordsOf((received as ReceivedMessage).message)) {
      if (record.table_name !== 'source_public_wide' || record.type !== undefined) continue;
      records += 1;
      keys.add(record.data?.['id']?.int);
    }
    messages += 1;
    if (messages % 20 === 0) peakMb = Math.max(peakMb, rss());
    await pause(messages);
  }
  return { keys: keys.size, records, peakMb };
}

describe('a client that reads slowly', () => {
  it('does not make memory grow', async () => {
    const fast = await consume({}, () => Promise.resolve());
    const slow = await consume({}, (messages) => (messages % 100 === 0 ? delay(300) : Promise.resolve()));
    expect([fast.keys, slow.keys]).toEqual([ROWS, ROWS]);
    expect(slow.peakMb).toBeLessThan(fast.peakMb + 50);
  });

  withRanges(it)('does not make a snapshot outlive its time, and loses no row by that', async () => {
    let pauses = 0;
    const { keys } = await consume({ snapshot_max_age_seconds: '3' }, async (messages) => {
      if (messages % 500 !== 0) return;
      if ((await oldestSnapshot()) > 0) pauses += 1;
      // A snapshot that waited for the client would be held for ever, as the client waits for its end.
      while ((await oldestSnapshot()) > 0) await delay(100);
    });
    expect(keys).toBe(ROWS);
    expect(pauses).toBeGreaterThan(0);
  });
});

withRanges(describe)('a client that goes away', () => {
  it('by cancelling, has its queries cancelled and its connections released', async () => {
    const call = client.update({ configuration: configuration() });
    call.on('error', () => undefined);
    await new Promise((resolve) => call.once('data', resolve));
    expect(await connections()).toBeGreaterThan(0);
    call.cancel();
    await expectReleased();
  });

  it('by vanishing, too, even while a statement runs that takes long', async () => {
    await observer.query(`
      CREATE VIEW public.slow AS SELECT 1 AS id, pg_sleep(3600) IS NULL AS s;
      CREATE TABLE public.quick (id int PRIMARY KEY)`);
    const script = join(__dirname, '../../../scripts/grpc-client.js');
    const reader = startCli(
      [
        '--address',
        `localhost:${port}`,
        '--configuration',
        writeFor({ include_views: 'true', table_filters: 'public.slow' }),
        '--folder',
        join(database.folder, 'vanish'),
      ],
      { main: script, cwd: database.folder },
    );
    while ((await connections()) === 0 || (await running()) === 0) await delay(100);
    reader.kill('SIGKILL');
    await expectReleased();
    await observer.query('DROP VIEW public.slow; DROP TABLE public.quick');
  });
});

async function running(): Promise<number> {
  const { rows } = await observer.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1 AND application_name = 'pgsluice' AND wait_event = 'PgSleep'`,
    [database.name],
  );
  return rows[0]?.n ?? -1;
}

async function expectReleased(): Promise<void> {
  while ((await connections()) > 0) await delay(50);
}

function writeFor(more: Record<string, string>): string {
  const path = join(database.folder, 'vanish.json');
  writeFileSync(path, JSON.stringify({ ...configurationFor(database), sync_mode: 'full', ...more }));
  return path;
}

describe('several Updates at once', () => {
  it('keep rows, logs and failures apart', async () => {
    await observer.query(`CREATE TABLE public.small AS SELECT i AS id FROM generate_series(1, 500) AS i`);
    const [whole, small, wrong] = await Promise.allSettled([
      consume({}, () => Promise.resolve()),
      (async () => {
        const names = new Set<string | undefined>();
        for await (const received of client.update({ configuration: configuration({ table_filters: 'public.small' }) }))
          for (const record of recordsOf((received as ReceivedMessage).message)) names.add(record.table_name);
        return names;
      })(),
      consume({ password: 'other secret', username: 'nobody_at_all' }, () => Promise.resolve()),
    ]);
    expect(whole).toMatchObject({ status: 'fulfilled', value: { keys: ROWS, records: ROWS } });
    expect(small.status === 'fulfilled' && [...small.value].sort()).toEqual([
      'postgres_column',
      'postgres_table',
      'source_public_small',
    ]);
    expect(wrong).toMatchObject({ status: 'rejected' });
    for (const line of server.output().trim().split('\n')) {
      expect(Object.keys(JSON.parse(line) as object)).toEqual(['level', 'message', 'message-origin']);
      expect(line).not.toContain('other secret');
    }
  });
});

describe('an Update', () => {
  withRanges(it)('is not held up by twenty others whose statements do not end', async () => {
    await observer.query(`
      CREATE VIEW public.asleep AS SELECT 1 AS id, pg_sleep(3600) IS NULL AS s;
      CREATE TABLE public.awake AS SELECT i AS id FROM generate_series(1, 500) AS i`);
    const calls = Array.from({ length: 20 }, () => {
      const more = { include_views: 'true', table_filters: 'public.asleep' };
      const call = client.update({ configuration: configuration(more) });
      call.on('error', () => undefined);
      call.on('data', () => undefined);
      return call;
    });
    while ((await running()) < calls.length) await delay(100);
    const names = new Set<string | undefined>();
    for await (const received of client.update({ configuration: configuration({ table_filters: 'public.awake' }) }))
      for (const record of recordsOf((received as ReceivedMessage).message)) names.add(record.table_name);
    expect(names).toContain('source_public_awake');
    expect(await running()).toBe(calls.length);
    for (const call of calls) call.cancel();
    await expectReleased();
    await observer.query('DROP VIEW public.asleep; DROP TABLE public.awake');
  });
});

describe('the end of the service', () => {
  it('refuses a port that is taken, with exit code 2 and a sentence', async () => {
    const { code, stdout, stderr } = await runCli(['serve', '--port', String(port)], { cwd: database.folder });
    expect([code, stderr]).toEqual([2, '']);
    expect(stdout).toContain(`Port ${port} is taken by another program. End that program, or choose another port`);
  });

  it('on SIGTERM cancels, releases and says so', async () => {
    // What waits is sent before the end, for which the service has some seconds: there is little of it.
    const few = { custom_batch_size: '500', custom_queue_size: '500' };
    const call = client.update({ configuration: configuration(few) });
    const failed = new Promise<{ code: number; details: string }>((resolve) =>
      call.once('error', (error) => resolve(error as never)),
    );
    await new Promise((resolve) => call.once('data', resolve));
    call.on('data', () => undefined);
    server.kill('SIGTERM');
    const { code } = await server.ended;
    expect(code).toBe(143);
    expect(await failed).toMatchObject({
      code: 14,
      details: expect.stringMatching(/^The service is shutting down/) as string,
    });
    // The server takes a moment to notice that the last one has gone.
    await expectReleased();
  });
});
