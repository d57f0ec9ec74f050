/** What a fleet promises: every source equal, exact limits, and nothing lost where a worker is killed, stopped or drained. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectionString } from '../../helpers/postgres';
import { startProxy } from '../../helpers/tcp-proxy';
import { createFleet, sourceOf, until, untilDone, type FleetWorld } from '../../helpers/fleet-world';

const TABLES = `
  CREATE TABLE small (id int PRIMARY KEY, v text); INSERT INTO small SELECT i, 'v' || i FROM generate_series(1, 50) i;
  CREATE TABLE other (id int PRIMARY KEY, v text); INSERT INTO other SELECT i, 'v' || i FROM generate_series(1, 50) i;
  CREATE TABLE wide (id int PRIMARY KEY, v text);
  INSERT INTO wide SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 15000) i;
  CREATE TABLE broad (id int PRIMARY KEY, v text);
  INSERT INTO broad SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 15000) i;
  ANALYZE`;
const NAMES = ['acme', 'globex'];
/** Small batches, so that a test has time to look at a sync. */
const SLOW = { custom_batch_size: '5' };
/** A job of 15,000 statements does not end by itself while a test waits for what stops it, on a fast machine either. */
const ENDLESS = { custom_batch_size: '1' };
const FAST = { custom_batch_size: '5000' };

let world: FleetWorld;
afterEach(async () => {
  await noPasswordInQueue();
  await world.close();
});

/** Reads every row of every table of the queue. */
async function noPasswordInQueue(): Promise<void> {
  const { client, password } = world.lake;
  const { rows: tables } = await client.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'pgsluice_fleet'",
  );
  expect(tables.length).toBeGreaterThan(5);
  for (const { name } of tables) {
    const { rows } = await client.query<{ text: string }>(
      `SELECT t::text AS text FROM pgsluice_fleet.${client.escapeIdentifier(name)} t`,
    );
    // The first characters, since quotes and backslashes are written in other ways in JSON.
    for (const { text } of rows) expect(text).not.toContain(password.slice(0, 8));
  }
}

async function started(sql = TABLES, keys: Readonly<Record<string, string>> = {}): Promise<void> {
  world = await createFleet(NAMES, { fill: (client) => client.query(sql), source: keys });
  expect(await world.run(['init'])).toMatchObject({ code: 0 });
}

async function allEqual(): Promise<void> {
  for (const name of NAMES) expect((await world.verify(name)).code).toBe(0);
}

/** For workers that are started from here on. */
function faster(): void {
  for (const name of NAMES) world.configure(name, FAST);
}

const running = (kind: string): Promise<boolean> =>
  world.jobs(`state = 'active' AND data ->> 'kind' = '${kind}'`).then((rows) => rows.length > 0);

describe('a fleet', () => {
  it('syncs several sources by two workers, finds what changed, and keeps no password in the queue', async () => {
    await started();
    const workers = [world.worker(), world.worker()];
    expect((await world.run(['sync', '--all'])).stdout).toMatch(/acme is in the queue\nglobex is in the queue/);
    await untilDone(world);
    await allEqual();
    // A table each for those of some size, one job for the small ones.
    const first = await world.jobs("data ->> 'kind' = 'tables' AND group_id = 'acme'");
    expect(first.map(({ data }) => data['tables'])).toEqual(
      expect.arrayContaining([
        ['public.wide'],
        ['public.broad'],
        expect.arrayContaining(['public.small', 'public.other']),
      ]),
    );
    await sourceOf(world.sources, 'acme').client.query(
      `UPDATE wide SET v = 'new' WHERE id < 100; DELETE FROM wide WHERE id > 14000; INSERT INTO small VALUES (1000, 'x')`,
    );
    await world.run(['sync', 'acme']);
    await until(async () => (await world.jobs("state = 'completed' AND name = 'plan'")).length === 3);
    await untilDone(world);
    await allEqual();
    const plans = await world.jobs("name = 'plan' AND group_id = 'acme'");
    expect(plans.at(-1)?.output).toMatchObject({ tables: 2, unchanged: 2 });

    const status = JSON.parse((await world.run(['status', '--json'])).stdout) as {
      readonly sources: readonly { readonly name: string; readonly lagSeconds: number; readonly lastRound: unknown }[];
      readonly workers: readonly { readonly live: boolean }[];
    };
    expect(status).toMatchObject({ waiting: 0, running: 0, failed: 0 });
    expect(status.sources.map(({ name }) => name)).toEqual(NAMES);
    expect(status.sources[0]?.lastRound).toMatchObject({ state: 'succeeded', tables: 2, unchanged: 2 });
    expect(status.workers.filter(({ live }) => live)).toHaveLength(2);
    expect((await world.run(['status'])).stdout).toMatch(/2 workers alive; 0 jobs waiting/);

    for (const worker of workers) worker.kill('SIGTERM');
    for (const { ended } of workers) expect((await ended).code).toBe(143);
  });

  it('loads a large table in parts, by several workers', async () => {
    await started(TABLES, { fleet_part_megabytes: '1' });
    world.worker();
    world.worker();
    await world.run(['sync', 'acme']);
    await untilDone(world);
    const parts = await world.jobs("data ->> 'kind' = 'part' AND state = 'completed'");
    expect(parts.length).toBeGreaterThan(6);
    const finished = await world.jobs("data ->> 'kind' = 'finish' AND state = 'completed'");
    expect(finished.map(({ data }) => data['table']).sort()).toEqual(['public.broad', 'public.wide']);
    expect((await world.verify('acme')).code).toBe(0);
  });

  it('takes over what a worker had that was killed', async () => {
    await started(TABLES, ENDLESS);
    await world.run(['sync', '--all']);
    const first = world.worker();
    await until(() => running('tables'));
    await delay(500);
    first.kill('SIGKILL');
    faster();
    world.worker();
    await untilDone(world);
    expect((await world.jobs("state = 'failed'")).length).toBe(0);
    await allEqual();
  });

  it('a worker that was stopped for longer than its job was its own writes nothing that counts', async () => {
    await started(TABLES, ENDLESS);
    const zombie = world.worker(['--fleet-jobs', '1']);
    await world.run(['sync', 'acme']);
    await until(() => running('tables'));
    zombie.kill('SIGSTOP');
    faster();
    const second = world.worker();
    await untilDone(world);
    await sourceOf(world.sources, 'acme').client.query(`UPDATE wide SET v = 'later' WHERE id < 1000`);
    await world.run(['sync', 'acme']);
    await until(async () => (await world.jobs("state = 'completed' AND name = 'plan'")).length === 2);
    await untilDone(world);
    zombie.kill('SIGCONT');
    await zombie.waitFor(/was cancelled, or given to another worker|no longer this worker's/);
    second.kill('SIGTERM');
    await second.ended;
    expect((await world.verify('acme')).code).toBe(0);
  });

  it('keeps the number of connections to a source over all workers', async () => {
    await started(TABLES, { ...SLOW, fleet_readers: '2' });
    const databases = [...world.sources.values()].map(({ name }) => name);
    const { rows: own } = await world.lake.client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = ANY($1)",
      [databases],
    );
    for (let count = 0; count < 3; count += 1) world.worker(['--fleet-jobs', '2']);
    await world.run(['sync', '--all']);
    const most: Record<string, number> = {};
    let over = false;
    const ended = untilDone(world).finally(() => (over = true));
    while (!over) {
      const { rows } = await world.lake.client.query<{ datname: string; n: number }>(
        `SELECT datname, count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend'
         AND datname = ANY($1) AND pid <> ALL($2) GROUP BY 1`,
        [databases, own.map(({ pid }) => pid)],
      );
      for (const { datname, n } of rows) most[datname] = Math.max(most[datname] ?? 0, n);
      await delay(20);
    }
    await ended;
    await allEqual();
    // The limit is used, and is not exceeded.
    expect(Object.values(most)).toEqual([2, 2]);
  });
});

describe('a worker', () => {
  it('that is told to stop hands its job back, and says on its port that it drains', async () => {
    await started(TABLES, ENDLESS);
    const first = world.worker(['--fleet-drain-seconds', '1', '--metrics-port', '0']);
    await first.waitFor(/Health and metrics: (\S+)/);
    const url = /Health and metrics: (\S+)/.exec(first.output())?.[1] ?? '';
    expect((await fetch(`${url}healthz`)).status).toBe(200);
    expect(await (await fetch(`${url}readyz`)).text()).toBe('ready\n');
    await world.run(['sync', 'acme']);
    await until(() => running('tables'));
    expect(await (await fetch(`${url}metrics`)).text()).toMatch(/pgsluice_fleet_jobs_running\{source="acme"\} \d/);
    expect(await (await fetch(url)).text()).toMatch(/1 worker alive; \d jobs? waiting/);
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect(await page.text()).toMatch(/<title>pgsluice fleet<\/title>/);
    expect(await (await fetch(`${url}status.json`)).json()).toMatchObject({ sources: [{ name: 'acme' }, {}] });
    first.kill('SIGTERM');
    await until(async () => (await fetch(`${url}readyz`).catch(() => undefined))?.status !== 200);
    expect((await first.ended).code).toBe(143);
    expect((await world.jobs("state = 'active'")).length).toBe(0);
    expect((await world.jobs("state < 'active'")).length).toBeGreaterThan(0);
    faster();
    world.worker();
    await untilDone(world);
    expect((await world.verify('acme')).code).toBe(0);
  });

  it('finds the password of a source in a file, or by a command', async () => {
    await started();
    for (const name of NAMES)
      writeFileSync(join(world.folder, `${name}.password`), sourceOf(world.sources, name).password);
    world.configure('acme', { password_file: join(world.folder, '{name}.password') });
    world.configure('globex', { password_command: `cat ${join(world.folder, '{name}.password')}` });
    world.worker([], { env: { PGSLUICE_PASSWORD_ACME: undefined, PGSLUICE_PASSWORD_GLOBEX: undefined } });
    await world.run(['sync', '--all']);
    await untilDone(world);
    await allEqual();
  });

  it('without a driver leaves the work to others, and says why', async () => {
    await started();
    const without = world.worker([], { env: { ODBCSYSINI: world.folder, ODBCINSTINI: undefined } });
    await world.run(['sync', 'acme']);
    await without.waitFor(/Gave up \[acme\] planning, for another worker: .*[Dd]river/);
    expect((await world.run(['status'])).stdout).toMatch(/GIVEN UP acme by \S+: .*[Dd]river/);
    world.worker();
    await untilDone(world);
    expect((await world.verify('acme')).code).toBe(0);
  });

  it('gives up what it cannot do, with a reason, for another one', async () => {
    await started();
    const without = world.worker([], { env: { PGSLUICE_PASSWORD_ACME: undefined } });
    await world.run(['sync', 'acme']);
    await without.waitFor(/Gave up \[acme\] planning, for another worker: password is missing/);
    const status = await world.run(['status']);
    expect(status.stdout).toMatch(/GIVEN UP acme by \S+: password is missing/);
    const other = world.worker();
    await other.waitFor(/Finished \[acme\] planning/);
    await untilDone(world);
    expect((await world.verify('acme')).code).toBe(0);
  });

  it('that a silent network cuts off from the queue breaks off what others will take, with its connections', async () => {
    await started(TABLES, ENDLESS);
    const proxy = await startProxy(world.lake);
    try {
      const through = { ...world.lake, host: proxy.host, port: proxy.port };
      const alone = world.worker(['--fleet-queue', connectionString(through, world.lake.name)]);
      await world.run(['sync', 'acme']);
      await until(() => running('tables'));
      proxy.stall();
      await alone.waitFor(/was cancelled, or given to another worker; it was broken off here/);
      const { client, name } = sourceOf(world.sources, 'acme');
      await until(async () => {
        const { rows } = await client.query(
          'SELECT 1 FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()',
          [name],
        );
        return rows.length === 0;
      });
      // As the server's keepalives do after a while, which frees the tokens.
      await proxy.close();
      expect((await alone.ended).code).toBe(3);
      faster();
      world.worker();
      await untilDone(world);
      expect((await world.verify('acme')).code).toBe(0);
    } finally {
      await proxy.close().catch(() => undefined);
    }
  });

  it('breaks off a source that is cancelled; the next sync goes on', async () => {
    await started(TABLES, ENDLESS);
    const worker = world.worker();
    await world.run(['sync', 'acme']);
    await until(() => running('tables'));
    expect((await world.run(['cancel', 'acme'])).stdout).toMatch(/Cancelled \d+ jobs? of acme/);
    await worker.waitFor(/was cancelled, or given to another worker; it was broken off here/);
    expect((await world.jobs("state <= 'active'")).length).toBe(0);
    worker.kill('SIGTERM');
    await worker.ended;
    faster();
    world.worker();
    await world.run(['sync', 'acme']);
    await until(async () => (await world.jobs("state = 'completed' AND name = 'plan'")).length === 2);
    await untilDone(world);
    expect((await world.verify('acme')).code).toBe(0);
  });

  it('sends what schedules say, and maintains the lake', async () => {
    await started(TABLES, { schedule: '* * * * *' });
    // Schedules are made by init.
    expect((await world.run(['init'])).stdout).toMatch(/2 sources of 2 have a schedule/);
    world.worker();
    await until(async () => (await world.jobs("name = 'work' AND state = 'completed'")).length > 0);
    expect((await world.run(['maintain'])).stdout).toMatch(/The maintenance is in the queue/);
    await until(async () => (await world.jobs("name = 'maintain' AND state = 'completed'")).length > 0);
    await untilDone(world);
    await allEqual();
  });
});
