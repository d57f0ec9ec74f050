/** A standby takes its primary's place: transaction ids that were seen already are then given out again. */
import { writeConfiguration, startCli } from '../helpers/cli';
import { expectPresentable } from '../helpers/fault-report';
import { endInTime, syncUntilDone } from '../helpers/fault-run';
import { createWorld, expectEqual } from '../helpers/fault-world';
import { createDatabase, withClient, type PostgresServer, type TestDatabase } from '../helpers/postgres';
import type { ServerProcess } from '../helpers/server-process';
import { caughtUp, startPrimary, startStandby } from '../helpers/standby-server';
import { startProxy, type TcpProxy } from '../helpers/tcp-proxy';

const ROWS = 3_000;

let primary: PostgresServer;
let standby: ServerProcess;
let database: TestDatabase;
let proxy: TcpProxy;
/** Between primary and standby. */
let link: TcpProxy;
/** Where the application's name leads; to the standby after its promotion. */
const target = { host: '', port: 0 };
beforeAll(async () => {
  primary = await startPrimary();
  link = await startProxy(primary);
  standby = await startStandby(primary, link);
  database = await createDatabase({ server: primary });
  Object.assign(target, { host: primary.host, port: primary.port });
  proxy = await startProxy(target);
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
  await standby.close();
  await link.close();
  await primary.close();
});

/** Each statement is a transaction, with an id of its own. */
function write(server: PostgresServer | ServerProcess, note: string, times: number): Promise<void> {
  return withClient(server, database.name, async (client) => {
    for (let i = 1; i <= times; i += 1) {
      await client.query(`UPDATE ledger SET note = '${note}' WHERE id % ${times} = ${i}`);
      await client.query(
        `UPDATE accounts SET note = '${note}', updated_at = clock_timestamp() WHERE id % ${times} = ${i}`,
      );
    }
  });
}

it('in the middle of a sync, with transactions of the primary lost: noticed, and the copy is right', async () => {
  await createWorld(database.client, ROWS);
  await caughtUp(primary, standby);
  const configuration = writeConfiguration(database, {
    host: proxy.host,
    port: String(proxy.port),
    custom_batch_size: '100',
    stall_timeout_seconds: '1',
    sync_mode: 'xmin',
  });
  await syncUntilDone(configuration, [database.password]);

  // From here on the primary is alone: what it still writes and what is synced of it is lost by the failover.
  link.refuse();
  link.cut();
  await write(primary, 'lost', 20);
  await syncUntilDone(configuration, [database.password]);

  const run = startCli(['sync', '--configuration', configuration, '--full-resync', '*']);
  await run.waitFor(/Processing table/);
  primary.kill('SIGKILL');
  Object.assign(target, { host: standby.host, port: standby.port });
  await withClient(standby, 'postgres', (client) => client.query('SELECT pg_promote()'));
  // At once, before the first checkpoint of the new primary, and with fewer transactions than were lost.
  await write(standby, 'kept', 5);
  const hit = await endInTime(run);
  expectPresentable(hit, [database.password]);
  const next = await syncUntilDone(configuration, [database.password], ['--reconcile']);
  expect(hit.stdout + next.stdout).toMatch(/another server|promoted, restored or replaced/);
  await withClient(standby, database.name, (client) => expectEqual(database, client));
  // And it goes on from there, by changes.
  await write(standby, 'later', 3);
  await syncUntilDone(configuration, [database.password]);
  await withClient(standby, database.name, (client) => expectEqual(database, client));
});
