/**
 * Faults at random moments of a sync, while an application writes. After each, the sync is started again
 * until it ends well; in the end the warehouse must be the source, value by value.
 *
 * PGSLUICE_FAULT_ROUNDS says how many (`npm run test:faults`: 200), PGSLUICE_FAULT_SEED from which on:
 * with the seed of a failed round, that round comes first.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startCli, writeConfiguration } from '../helpers/cli';
import { expectPresentable } from '../helpers/fault-report';
import { FAULTS } from '../helpers/fault-actions';
import { endInTime, syncUntilDone } from '../helpers/fault-run';
import { createWorld, expectEqual, startWriter } from '../helpers/fault-world';
import { createDatabase, startServer, withClient, type PostgresServer, type TestDatabase } from '../helpers/postgres';
import { dropSlot, LOG_FLAGS } from '../helpers/log-server';
import { createRandom } from '../helpers/random';
import { startProxy, type TcpProxy } from '../helpers/tcp-proxy';

const ROUNDS = Number(process.env['PGSLUICE_FAULT_ROUNDS'] ?? 6);
const SEED = Number(process.env['PGSLUICE_FAULT_SEED'] ?? Date.now() % 1_000_000);
const ROWS = 5_000;
const SLOT = 'faults';

let server: PostgresServer;
let database: TestDatabase;
let proxy: TcpProxy;
beforeAll(async () => {
  server = await startServer({
    flags: {
      ...LOG_FLAGS,
      max_connections: '24',
      superuser_reserved_connections: '3',
      // Else a killed server forgets what it had already shown to a sync.
      synchronous_commit: 'on',
    },
  });
  database = await createDatabase({ server });
  proxy = await startProxy(server);
  await createWorld(database.client, ROWS);
  await database.client.query('CREATE PUBLICATION pgsluice FOR TABLE accounts, ledger, parts');
  await database.client.query(`SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`);
});
afterAll(async () => {
  await proxy.close();
  await dropSlot(database).catch(() => undefined);
  await database.drop();
  await server.close();
});

/** `followsLog`: else there is no slot of the name that a sync looks for. */
function configure(followsLog: boolean): string {
  return writeConfiguration(database, {
    ...(followsLog ? { slot_name: SLOT } : {}),
    // A table is emptied on purpose.
    max_deletes: '100',
    host: proxy.host,
    port: String(proxy.port),
    custom_batch_size: '300',
    custom_threads: '3',
    stall_timeout_seconds: '1',
    retry_sleep_seconds: '0.1',
    connection_timeout_hours: '0.001',
  });
}

/** So many seeds in a row each have another fault: 7 and the number of faults, 18, have no divisor in common. */
const names = Object.keys(FAULTS);
const rounds = Array.from({ length: ROUNDS }, (_, round): [name: string, seed: number] => [
  names[((SEED + round) * 7) % names.length] ?? '',
  SEED + round,
]);

it.each(rounds)('%s (PGSLUICE_FAULT_SEED=%d)', (name, seed) => playRound(name, createRandom(seed)));

async function playRound(name: string, random: ReturnType<typeof createRandom>): Promise<void> {
  // Every other round begins from nothing.
  const followsLog = random.next() < 0.5;
  const configuration = configure(followsLog);
  const more = random.next() < 0.5 ? ['--full-resync', '*'] : [];
  const writer = startWriter(database, random, ROWS);
  try {
    const run = startCli(['sync', '--configuration', configuration, ...more]);
    await run.waitFor(/Found \d+ tables? to process/);
    await delay(random.integer(0, 600));
    await FAULTS[name]?.({ run, server, database, proxy, random });
    const hit = await endInTime(run);
    if (hit.signal === null) expectPresentable(hit, [database.password]);
    // With the writer still at work: what is read while it is must be put right by the last sync.
    await syncUntilDone(configuration, [database.password]);
  } finally {
    await writer.stop();
  }
  // The log needs no help to find what is gone.
  await syncUntilDone(configuration, [database.password], followsLog ? [] : ['--reconcile']);
  await withClient(server, database.name, (client) => expectEqual(database, client));
}
