/** What the queue promises where two workers, or a worker and a person, act at the same moment. */
import { doJob, type JobContext } from '../../../src/fleet/do-job';
import { planData, type JobData } from '../../../src/fleet/jobs';
import { FleetQueue, type FleetJob } from '../../../src/fleet/queue';
import type { FleetSource } from '../../../src/fleet/sources';
import { inLake } from '../../helpers/lake-world';
import { connectionString, createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { CALM } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

let database: TestDatabase;
let queue: FleetQueue;
const settings = () => {
  const found = settingsFor(database, inLake(database));
  return { ...found, fleet: { ...found.fleet, queue: connectionString(database, database.name) } };
};
beforeEach(async () => {
  database = await createDatabase();
  queue = await FleetQueue.open(settings(), SILENT, { install: true });
  await queue.makeQueues();
});
afterEach(async () => {
  await queue.close();
  await database.drop();
});

const part = (number: number): JobData & { readonly kind: 'part' } => ({
  ...{ format: 1, kind: 'part', source: 'acme', round: 'r' },
  part: { table: 'public.t', load: 'l', number, fromBlock: number, toBlock: number + 1 },
});
async function taken(): Promise<FleetJob> {
  const job = await queue.take({ queue: 'work', source: 'acme' }, ['acme']);
  if (job === undefined) throw new Error('There is no job.');
  return job;
}
async function waiting(): Promise<unknown[]> {
  const { rows } = await database.client.query<{ kind: string }>(
    "SELECT data ->> 'kind' AS kind FROM pgsluice_fleet.job WHERE state < 'active'",
  );
  return rows.map(({ kind }) => kind);
}

it('parts that are completed at the same moment send what ends their load, once', async () => {
  await queue.sendAll([part(0), part(1), part(2)]);
  const jobs = [await taken(), await taken(), await taken()];
  expect(await waiting()).toEqual([]);
  const completed = await Promise.all(jobs.map((job, number) => queue.completePart(job, part(number), {})));
  expect(completed).toEqual([true, true, true]);
  expect(await waiting()).toEqual(['finish']);
});

it('a part that was cancelled is not completed, and ends nothing', async () => {
  await queue.sendAll([part(0)]);
  const job = await taken();
  expect(await queue.cancel('acme')).toBe(1);
  expect(await queue.completePart(job, part(0), {})).toBe(false);
  expect(await waiting()).toEqual([]);
});

it('a planner whose job was cancelled while it looked sends nothing', async () => {
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY)');
  const loaded = { settings: settings(), secrets: [], warnings: [] } as unknown as ReturnType<FleetSource['load']>;
  const source: FleetSource = { name: 'acme', file: '', schedule: null, settings: loaded.settings, load: () => loaded };
  const sent: JobData[] = [];
  const context = (own: boolean): JobContext => ({
    queue,
    send: (jobs) => {
      if (!own) return Promise.reject(new Error('It is not its own any more.'));
      sent.push(...jobs);
      return Promise.resolve();
    },
    logger: SILENT,
    signal: new AbortController().signal,
    connections: 2,
    pressure: { read: () => CALM },
  });
  await expect(doJob('1', planData('acme'), source, context(false))).rejects.toThrow(/not its own/);
  expect(sent).toEqual([]);
  await doJob('1', planData('acme'), source, context(true));
  expect(sent).toMatchObject([{ kind: 'tables', tables: ['public.t'] }]);
});
