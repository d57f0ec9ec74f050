/**
 * Faults at random moments of a fleet's work, while applications write into all sources. After each, the workers go on;
 * in the end every source must be in the lake, value by value.
 *
 * PGSLUICE_FLEET_ROUNDS says how many (`npm run test:faults`: 100), PGSLUICE_FAULT_SEED from which on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startWriter } from '../helpers/fault-world';
import {
  createFaultyFleet,
  expectAllEqual,
  initFleet,
  keepWorkers,
  leftBehind,
  syncAll,
  terminateSessions,
  type FaultyFleet,
} from '../helpers/fleet-faults';
import { untilDone, untilRunning } from '../helpers/fleet-world';
import { createRandom, type Random } from '../helpers/random';

const ROUNDS = Number(process.env['PGSLUICE_FLEET_ROUNDS'] ?? 2);
const SEED = Number(process.env['PGSLUICE_FAULT_SEED'] ?? Date.now() % 1_000_000);
const ROWS = 1_000;

type Workers = ReturnType<typeof keepWorkers>;

interface Scene {
  readonly fleet: FaultyFleet;
  readonly workers: Workers;
  readonly random: Random;
}

const FAULTS: Readonly<Record<string, (scene: Scene) => Promise<unknown> | void>> = {
  'kill -9 of a worker': ({ workers, random }) => workers.pick(random.integer(0, 1)).kill('SIGKILL'),
  'kill -9 of all workers': ({ workers }) => {
    for (const index of [0, 1]) workers.pick(index).kill('SIGKILL');
  },
  'SIGTERM to a worker': ({ workers, random }) => workers.pick(random.integer(0, 1)).kill('SIGTERM'),
  'a worker that sleeps until the others have its jobs': async ({ workers, random }) => {
    const worker = workers.pick(random.integer(0, 1));
    worker.kill('SIGSTOP');
    await delay(random.integer(12_000, 20_000));
    worker.kill('SIGCONT');
  },
  'a worker that sleeps for a moment': async ({ workers, random }) => {
    const worker = workers.pick(random.integer(0, 1));
    worker.kill('SIGSTOP');
    await delay(random.integer(100, 3_000));
    worker.kill('SIGCONT');
  },
  'the catalog restarted': ({ fleet }) => fleet.catalog.restart(),
  'kill -9 of the catalog': async ({ fleet, random }) => {
    fleet.catalog.kill('SIGKILL');
    await delay(random.integer(0, 500));
    await fleet.catalog.restart();
  },
  "the catalog's sessions terminated": ({ fleet }) => terminateSessions(fleet),
  "the sources' sessions terminated": async ({ fleet }) => {
    for (const { client } of fleet.sources.values())
      await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgsluice' AND datname = current_database()",
      );
  },
  'a source cancelled': ({ fleet, random }) => fleet.run(['cancel', random.pick([...fleet.sources.keys()])]),
  'a large table rewritten': async ({ fleet }) => {
    for (const { client } of fleet.sources.values()) await client.query('VACUUM FULL large');
  },
  'a large table altered': async ({ fleet, random }) => {
    const column = `extra_${random.integer(1, 9)}`;
    for (const { client } of fleet.sources.values())
      await client.query(`ALTER TABLE large ADD COLUMN IF NOT EXISTS ${column} int DEFAULT 7`);
  },
  'a large table emptied and filled': async ({ fleet }) => {
    for (const { client } of fleet.sources.values())
      await client.query(
        "TRUNCATE large; INSERT INTO large (id, note, amount) SELECT i, repeat('again', 40), i FROM generate_series(1, 16000) i",
      );
  },
};

const names = Object.keys(FAULTS);
const rounds = Array.from({ length: ROUNDS }, (_, round): [name: string, seed: number] => [
  names[(SEED + round) % names.length] ?? '',
  SEED + round,
]);

let fleet: FaultyFleet;
beforeEach(async () => {
  fleet = await createFaultyFleet(['one', 'two'], ROWS);
});
afterEach(() => fleet.close());

it.each(rounds)('%s (PGSLUICE_FAULT_SEED=%d)', async (name, seed) => {
  const random = createRandom(seed);
  await initFleet(fleet);
  const workers = keepWorkers(fleet, 2);
  const writers = [...fleet.sources.values()].map((database) => startWriter(database, random, ROWS));
  try {
    // Every other round hits a fleet that has loaded everything.
    if (random.next() < 0.5) await syncAll(fleet);
    await fleet.run(['sync', '--all']);
    await untilRunning(fleet, 1);
    await delay(random.integer(0, 6_000));
    await FAULTS[name]?.({ fleet, workers, random });
    await untilDone(fleet);
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
  }
  // Jobs that were cancelled, or failed too often, are planned again.
  await syncAll(fleet);
  await syncAll(fleet);
  await workers.stop();
  await expectAllEqual(fleet);
  expect(await leftBehind(fleet)).toEqual([]);
});
