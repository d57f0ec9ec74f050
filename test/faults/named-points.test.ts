/** kill -9 at named calls, before and after: the next sync completes, and the copy is right. */
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { MODULES_MAIN, runCli, writeConfiguration } from '../helpers/cli';
import { createWorld, expectEqual, startWriter } from '../helpers/fault-world';
import { syncKilledAt, syncUntilDone } from '../helpers/fault-run';
import { createRandom } from '../helpers/random';

const ROWS = 2_000;

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await createWorld(database.client, ROWS);
});
afterEach(() => database.drop());

const configure = (): string => writeConfiguration(database, { custom_batch_size: '300' });

/** Every kind of call, of the first sync or of one that finds changes and a new column. */
const FIRST = [
  'sql:1:after',
  'append:1:before',
  'write:5:after',
  'commit:1:before',
  'commit:1:after',
  'stateFile:1:before',
];
const LATER = [
  'sql:25:after',
  'putState:2:after',
  // A table with a new column takes the old one's place.
  'finishLoad:1:before',
  'finishLoad:1:after',
  'applyChanges:1:after',
  'markMissing:1:after',
  'commit:1:before',
  'commit:1:after',
  'stateFile:1:after',
];

it.each(FIRST)('the first sync, killed at %s', async (point) => {
  const writer = startWriter(database, createRandom(1), ROWS);
  const killed = await syncKilledAt(configure(), point);
  expect(killed.signal).toBe('SIGKILL');
  await writer.stop();
  await syncUntilDone(configure(), [database.password], ['--reconcile']);
  await expectEqual(database, database.client);
});

it('a clock that jumps by days in every sync: nothing is lost, and no row is of before the last sync', async () => {
  const jumping = { nodeArguments: ['--require', require.resolve('./clock-jumps.js')], main: MODULES_MAIN };
  for (let round = 0; round < 3; round += 1) {
    const { code, stdout } = await runCli(['sync', '--configuration', configure(), '--reconcile'], jumping);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Data extraction completed successfully')]);
    await expectEqual(database, database.client);
    await database.client.query(`
      UPDATE accounts SET note = 'round ${round}', updated_at = clock_timestamp() WHERE id % 9 = ${round};
      UPDATE log SET note = 'round ${round}' WHERE id % 9 = ${round}; DELETE FROM ledger WHERE id % 50 = ${round};
      INSERT INTO ledger (id, note) VALUES (${ROWS + round + 1}, 'new')`);
  }
  await syncUntilDone(configure(), [database.password], ['--reconcile']);
  await expectEqual(database, database.client);
});

it('later syncs, killed at one point after the other', async () => {
  await syncUntilDone(configure(), [database.password]);
  let reached = 0;
  for (const [index, point] of LATER.entries()) {
    await database.client.query(`
      ALTER TABLE ledger ADD COLUMN extra_${index} int DEFAULT ${index};
      UPDATE accounts SET note = 'round ${index}', updated_at = clock_timestamp() WHERE id % 7 = ${index};
      UPDATE log SET note = 'round ${index}' WHERE id % 7 = ${index};
      DELETE FROM parts WHERE id % 50 = ${index};
    `);
    const killed = await syncKilledAt(configure(), point);
    if (killed.signal === 'SIGKILL') reached += 1;
    await syncUntilDone(configure(), [database.password], ['--reconcile']);
    await expectEqual(database, database.client);
  }
  expect(reached).toBe(LATER.length);
});
