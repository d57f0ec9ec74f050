/** Mode log, killed at named calls, before and after: the next sync needs no help to make the copy right. */
import { setTimeout as delay } from 'node:timers/promises';
import { startCli, writeConfiguration } from '../helpers/cli';
import { endInTime, syncKilledAt, syncUntilDone } from '../helpers/fault-run';
import { createWorld, expectEqual, startWriter } from '../helpers/fault-world';
import { confirmedPosition, dropSlot, startLogServer } from '../helpers/log-server';
import { createDatabase, withClient, type PostgresServer, type TestDatabase } from '../helpers/postgres';
import { createRandom } from '../helpers/random';

const ROWS = 2_000;
const SLOT = 'faults';

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  // Else a killed server forgets what it had already shown to a sync.
  server = await startLogServer({ flags: { synchronous_commit: 'on' } });
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  database = await createDatabase({ server });
  await createWorld(database.client, ROWS);
  await makeLog();
});
afterEach(async () => {
  await dropSlot(database);
  await database.drop();
});

async function makeLog(): Promise<void> {
  await database.client.query('CREATE PUBLICATION pgsluice FOR TABLE accounts, ledger, parts');
  await database.client.query(`SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`);
}

const configure = (): string =>
  writeConfiguration(database, { custom_batch_size: '300', sync_mode: 'log', slot_name: SLOT, max_deletes: '100' });

const POINTS = [
  'sourceSnapshot:1:before',
  'sourceSnapshot:1:after',
  'logPeek:1:before',
  'logPeek:1:after',
  'missingKeys:1:after',
  'keyedRows:2:after',
  'markDeleted:1:before',
  'markDeleted:1:after',
  'applyChanges:1:after',
  'putState:1:after',
  'commit:1:before',
  'commit:1:after',
  'putLogPosition:1:before',
  'putLogPosition:1:after',
  'commit:2:after',
  'slotAdvance:1:before',
  'slotAdvance:1:after',
];

/** Tables with keys are followed by the log; `log` has none, and is read whole. */
const change = (round: number): string => `
  UPDATE accounts SET note = 'round ${round}', updated_at = clock_timestamp() WHERE id % 17 = ${round};
  DELETE FROM ledger WHERE id % 50 = ${round}; UPDATE ledger SET id = -id WHERE id % 61 = ${round};
  INSERT INTO ledger (id, note) VALUES (${ROWS + round + 1}, 'new'); DELETE FROM parts WHERE id % 50 = ${round};
  UPDATE parts SET note = 'moved' WHERE id % 19 = ${round}; UPDATE log SET note = 'round ${round}' WHERE id % 17 = ${round}`;

it('killed at one point after the other', async () => {
  await syncUntilDone(configure(), [database.password]);
  const missed: string[] = [];
  for (const [round, point] of POINTS.entries()) {
    await database.client.query(change(round));
    const killed = await syncKilledAt(configure(), point, []);
    if (killed.signal !== 'SIGKILL') missed.push(point);
    // Changes between the fault and the next sync are found as well.
    await database.client.query(`DELETE FROM accounts WHERE id = ${round + 1}`);
    await syncUntilDone(configure(), [database.password]);
    await expectEqual(database, database.client);
  }
  expect(missed).toEqual([]);
  const before = await confirmedPosition(database.client, SLOT);
  await database.client.query(change(20));
  await syncUntilDone(configure(), [database.password]);
  expect(await confirmedPosition(database.client, SLOT)).toBeGreaterThan(before);
});

it('with a writer through it all, and a slot that is dropped and made again', async () => {
  await syncUntilDone(configure(), [database.password]);
  const writer = startWriter(database, createRandom(7), ROWS);
  try {
    for (const point of ['logPeek:1:after', 'commit:1:after', 'slotAdvance:1:before']) {
      await syncKilledAt(configure(), point, []);
      await syncUntilDone(configure(), [database.password]);
    }
    const run = startCli(['sync', '--configuration', configure()]);
    await run.waitFor(/Found \d+ tables to process/);
    await withClient(server, database.name, async (client) => {
      for (let dropped = false; !dropped;) {
        dropped = await client.query(`SELECT pg_drop_replication_slot('${SLOT}')`).then(
          () => true,
          () => false,
        );
        if (!dropped) await delay(5);
      }
    });
    await endInTime(run);
    await syncUntilDone(configure(), [database.password]);
    await database.client.query(`SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`);
    await syncUntilDone(configure(), [database.password]);
  } finally {
    await writer.stop();
  }
  await syncUntilDone(configure(), [database.password]);
  await expectEqual(database, database.client);
});

it('a server that is killed while the log is read', async () => {
  await syncUntilDone(configure(), [database.password]);
  for (let round = 0; round < 3; round += 1) {
    await withClient(server, database.name, (client) => client.query(change(round)));
    const run = startCli(['sync', '--configuration', configure()]);
    await run.waitFor(/Found \d+ tables to process/);
    await delay(round * 40);
    server.kill('SIGKILL');
    await endInTime(run);
    await server.restart();
    await syncUntilDone(configure(), [database.password]);
    await withClient(server, database.name, (client) => expectEqual(database, client));
  }
});
