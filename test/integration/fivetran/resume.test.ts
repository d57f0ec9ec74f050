import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { recordsOf, type ReceivedMessage } from '../../../src/fivetran/reference-client/client';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { configurationFor, startService, type TestService } from '../../helpers/fivetran/service';

const ROWS = 150_000;
let database: TestDatabase;
let other: Client;

beforeAll(async () => {
  database = await createDatabase();
  other = await database.connect();
  await other.query(`
    CREATE TABLE public.t AS SELECT i AS id, md5(i::text) AS v FROM generate_series(1, ${ROWS}) AS i;
    ALTER TABLE public.t ADD PRIMARY KEY (id);
    ANALYZE`);
  // Catching up reads what is not older than the oldest transaction of the server: with another test's, all of it.
  await allOlderEnded(other);
});
afterAll(() => database?.drop());

class Received {
  readonly live = new Map<number, string>();
  readonly deleted = new Set<number>();
  readonly warnings: string[] = [];
  truncates = 0;
  upserts = 0;
  state: string | undefined;

  take({ message }: ReceivedMessage): void {
    for (const { table_name: name, type = 'UPSERT', data } of recordsOf(message)) {
      if (name !== 'source_public_t') continue;
      const id = data?.['id']?.int ?? NaN;
      if (type === 'TRUNCATE') {
        this.truncates += 1;
        this.live.clear();
      } else if (type === 'DELETE') {
        this.deleted.add(id);
        this.live.delete(id);
      } else {
        this.upserts += 1;
        this.live.set(id, data?.['v']?.string ?? '');
      }
    }
    if (message.checkpoint !== undefined) this.state = message.checkpoint.state_json;
    if (message.warning !== undefined) this.warnings.push(message.warning.message ?? '');
  }
}

async function expectEqual(received: Received): Promise<void> {
  const { rows } = await other.query<{ id: number; v: string }>('SELECT id, v FROM public.t');
  expect(received.live.size).toBe(rows.length);
  expect(rows.filter(({ id, v }) => received.live.get(id) !== v)).toEqual([]);
}

async function update(
  service: TestService,
  received: Received,
  more: Record<string, string>,
  between: (received: Received) => Promise<void>,
): Promise<void> {
  // A short queue: whichever side is slower, most of the table is still to be read when a third of it has arrived.
  const configuration = configurationFor(database, { sync_mode: 'full', custom_queue_size: '5000', ...more });
  const request = { configuration, ...(received.state === undefined ? {} : { state_json: received.state }) };
  for await (const message of service.client.update(request)) {
    received.take(message as ReceivedMessage);
    await between(received);
  }
}

withRanges(it)('goes on where a service that was shut down had come, without another TRUNCATE', async () => {
  const received = new Received();
  const first = await startService();
  let stopped: Promise<void> | undefined;
  const interrupted = update(first, received, {}, async ({ upserts }) => {
    if (upserts > ROWS / 3) stopped ??= first.stop();
    else await delay(0);
  });
  await expect(interrupted).rejects.toMatchObject({ code: 14 });
  await stopped;
  const sent = received.upserts;
  expect(sent).toBeLessThan(ROWS);
  expect(received.truncates).toBe(1);
  await other.query('UPDATE public.t SET v = upper(v) WHERE id % 1000 = 0');
  const second = await startService();
  await update(second, received, {}, () => Promise.resolve());
  await second.stop();
  expect(received.truncates).toBe(1);
  // The rest, what stood after the last checkpoint, and the pages that were updated.
  expect(received.upserts).toBeLessThan(ROWS * 1.7);
  await expectEqual(received);
});

withRanges(it)('sends DELETE for rows that vanish between the snapshots of one load', async () => {
  const received = new Received();
  const service = await startService();
  let changed = false;
  await update(service, received, { snapshot_max_age_seconds: '1' }, async ({ upserts }) => {
    if (upserts < ROWS / 3 || changed) return;
    changed = true;
    const seen = [...received.live.keys()];
    await other.query('DELETE FROM public.t WHERE id = ANY($1)', [seen.slice(0, 700)]);
    await other.query('UPDATE public.t SET id = -id WHERE id = $1', [seen[5_000]]);
    await delay(1_500);
  });
  await service.stop();
  expect(changed).toBe(true);
  expect(received.deleted.size).toBe(701);
  expect(received.warnings).toEqual([]);
  await expectEqual(received);
});
