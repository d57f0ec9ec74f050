/** What the queue promises where two workers, or a worker and a person, act at the same moment. */
import { planData, type JobData } from '../../../src/fleet/jobs';
import { FleetQueue, type FleetJob } from '../../../src/fleet/queue';
import { inLake } from '../../helpers/lake-world';
import { connectionString, createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';

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

it('what follows from a planning that was cancelled meanwhile is not sent', async () => {
  const following: JobData = { format: 1, kind: 'tables', source: 'acme', round: 'r', tables: ['public.t'] };
  const planning = async (): Promise<FleetJob> => {
    await queue.send(planData('acme'));
    const job = await queue.take({ queue: 'plan', source: 'acme' }, ['acme']);
    if (job === undefined) throw new Error('There is no job.');
    return job;
  };
  const cancelled = await planning();
  await queue.cancel('acme');
  expect(await queue.sendFrom(cancelled, [following])).toBe(false);
  expect(await waiting()).toEqual([]);
  expect(await queue.sendFrom(await planning(), [following])).toBe(true);
  expect(await waiting()).toEqual(['tables']);
});
