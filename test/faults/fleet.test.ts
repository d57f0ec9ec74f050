/** A fleet whose workers are killed, sleep and wake up, and whose catalog goes away: what is in the lake is the source. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expectPresentable } from '../helpers/fault-report';
import { dropDatabase } from '../helpers/postgres';
import {
  createFaultyFleet,
  expectAllEqual,
  initFleet,
  keepWorkers,
  leftBehind,
  startKilledAt,
  syncAll,
  terminateSessions,
  type FaultyFleet,
} from '../helpers/fleet-faults';
import { sourceOf, until, untilDone, untilRunning } from '../helpers/fleet-world';

let fleet: FaultyFleet;
beforeEach(async () => {
  fleet = await createFaultyFleet(['one', 'two'], 1_500);
});
afterEach(() => fleet.close());

async function change(round: number): Promise<void> {
  for (const { client } of fleet.sources.values())
    await client.query(`
      UPDATE accounts SET note = 'round ${round}', updated_at = clock_timestamp() WHERE id % 7 = ${round % 7};
      UPDATE log SET note = 'round ${round}' WHERE id % 7 = ${round % 7};
      UPDATE large SET note = note || ' ${round}' WHERE id % 11 = ${round % 11};
      DELETE FROM parts WHERE id % 50 = ${round % 50}; DELETE FROM large WHERE id % 97 = ${round % 97};
      INSERT INTO ledger (id, note) VALUES (${10_000 + round}, 'new')`);
}

/** Points of the destination, and of the queue: of the first syncs, which load everything, and of later ones. */
const FIRST = [
  'commit:1:before',
  'commit:2:after',
  'write:9:after',
  'finishLoad:1:after',
  'sql:60:after',
  'queue.sendAll:1:before',
  'queue.sendAll:1:after',
  'queue.take:3:after',
  'queue.complete:2:before',
  'queue.complete:2:after',
  'queue.completePart:1:before',
  'queue.completePart:2:after',
];
const LATER = [
  'commit:1:before',
  'commit:2:after',
  'applyChanges:1:after',
  'markMissing:1:after',
  'queue.complete:2:before',
];

it('workers that are killed one after the other, at every named point', async () => {
  await initFleet(fleet);
  let killed = 0;
  for (const point of FIRST) {
    await fleet.run(['sync', '--all']);
    const worker = startKilledAt(fleet, point);
    const early = Promise.race([worker.ended, untilDone(fleet)]);
    await early;
    worker.kill('SIGTERM');
    if ((await worker.ended).signal === 'SIGKILL') killed += 1;
  }
  const workers = keepWorkers(fleet, 2);
  await syncAll(fleet);
  await expectAllEqual(fleet);
  await workers.stop();
  for (const [round, point] of LATER.entries()) {
    await change(round);
    await fleet.run(['sync', '--all']);
    const worker = startKilledAt(fleet, point);
    await Promise.race([worker.ended, untilDone(fleet)]);
    worker.kill('SIGTERM');
    if ((await worker.ended).signal === 'SIGKILL') killed += 1;
  }
  const last = keepWorkers(fleet, 2);
  await syncAll(fleet);
  await syncAll(fleet);
  await last.stop();
  await expectAllEqual(fleet);
  expect(await leftBehind(fleet)).toEqual([]);
  // A point may lie behind the end of what was left to do.
  expect(killed).toBeGreaterThan((FIRST.length + LATER.length) / 2);
});

it('a worker that slept wakes up when others have done its work: nothing that it writes counts', async () => {
  await initFleet(fleet);
  await fleet.run(['sync', '--all']);
  const sleeper = fleet.worker();
  await untilRunning(fleet, 2);
  await sleeper.waitFor(/Began \[\w+\] public\.large/);
  sleeper.kill('SIGSTOP');
  const workers = keepWorkers(fleet, 2);
  await untilDone(fleet);
  await change(1);
  await syncAll(fleet);
  await expectAllEqual(fleet);
  sleeper.kill('SIGCONT');
  await delay(5_000);
  await expectAllEqual(fleet);
  sleeper.kill('SIGTERM');
  const { code } = await sleeper.ended;
  expect(code).not.toBeNull();
  await workers.stop();
  await expectAllEqual(fleet);
  expect(await leftBehind(fleet)).toEqual([]);
});

it('the catalog is restarted, and its sessions are terminated, in the middle', async () => {
  await initFleet(fleet);
  const workers = keepWorkers(fleet, 2);
  await fleet.run(['sync', '--all']);
  await untilRunning(fleet, 1);
  await delay(1_000);
  await fleet.catalog.restart();
  await delay(3_000);
  await terminateSessions(fleet);
  await untilDone(fleet);
  await syncAll(fleet);
  await workers.stop();
  await expectAllEqual(fleet);
});

it("the folder of the lake's files cannot be written for a while: jobs fail with a sentence, and the rest goes on", async () => {
  await initFleet(fleet);
  const workers = keepWorkers(fleet, 2);
  await fleet.run(['sync', '--all']);
  await untilRunning(fleet, 1);
  await delay(1_000);
  const [data, away] = [join(fleet.folder, 'lake'), join(fleet.folder, 'away')];
  renameSync(data, away);
  writeFileSync(data, '');
  await until(async () => {
    const { stdout } = await fleet.run(['status', '--json']);
    return /The lake's files cannot be written/.test(stdout);
  });
  rmSync(data);
  renameSync(away, data);
  await untilDone(fleet);
  await syncAll(fleet);
  await workers.stop();
  await expectAllEqual(fleet);
  expect(await leftBehind(fleet)).toEqual([]);
});

it('is made once by two that make it at the same time', async () => {
  const made = await Promise.all([fleet.run(['init']), fleet.run(['init'])]);
  for (const result of made) expect([result.code, result.stderr]).toEqual([0, '']);
  const workers = keepWorkers(fleet, 1);
  await syncAll(fleet);
  await workers.stop();
  await expectAllEqual(fleet);
});

it('a source that is dropped fails by itself, and can be taken away', async () => {
  await initFleet(fleet);
  const workers = keepWorkers(fleet, 2);
  await syncAll(fleet);
  const left = sourceOf(fleet.sources, 'one');
  const gone = sourceOf(fleet.sources, 'two');
  await dropDatabase(gone.name);
  await left.client.query("UPDATE ledger SET note = 'after the drop' WHERE id % 2 = 0");
  await syncAll(fleet);
  await expectAllEqual(fleet, ['one']);
  const status = await fleet.run(['status', '--json']);
  expectPresentable(status, [gone.password]);
  expect(status.stdout).toMatch(/does not exist/);
  rmSync(join(fleet.folder, 'sources', 'two.json'));
  expect((await fleet.run(['init'])).code).toBe(0);
  await syncAll(fleet);
  await workers.stop();
  expect(await fleet.jobs("state <= 'active'")).toEqual([]);
});
