/** Mode log: slots and publications that are not as they should be. Tables go on in other modes, and nothing is lost. */
import type { Settings } from '../../../src/config/settings';
import type { StatementEvent } from '../../../src/model/report';
import { readContents } from '../../../src/destinations/registry';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import {
  confirmedPosition,
  dropSlot,
  holdSlot,
  makeSlot,
  setUpLog,
  slotOf,
  startLogServer,
} from '../../helpers/log-server';
import { createDatabase, serverMajor, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { changeWarehouse, statesIn } from '../../helpers/warehouse-access';
import { sync, type SyncOutcome } from '../sync';

let server: PostgresServer;
let database: TestDatabase;
beforeAll(async () => {
  // Slots are moved on up to what is flushed.
  server = await startLogServer({ flags: { synchronous_commit: 'on' } });
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  database = await createDatabase({ server });
  await sql(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 300) i;
    CREATE TABLE u (id int PRIMARY KEY, v text); INSERT INTO u SELECT i, 'v' FROM generate_series(1, 300) i; ANALYZE`);
});
afterEach(async () => {
  await dropSlot(database);
  await database.drop();
});

const sql = async (text: string): Promise<void> => {
  await database.client.query(text);
};

async function log(overrides: Partial<Settings> = {}): Promise<SyncOutcome> {
  const outcome = await sync(database, { syncMode: 'log', ...overrides });
  expect(outcome.failures).toEqual({});
  return outcome;
}

async function expectSame(...names: readonly string[]): Promise<void> {
  for (const name of names.length === 0 ? ['t', 'u'] : names) {
    const { rows } = await database.client.query<{ n: number }>(`SELECT count(*)::int AS n FROM public.${name}`);
    const comparison = await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name }),
    );
    expect({ name, ...comparison }).toEqual({ name, ...same(rows[0]?.n ?? -1) });
  }
}

/** Lines that say which tables were not read by the log. */
const others = ({ lines }: SyncOutcome): readonly string[] =>
  lines.filter((line) => /compared by|loaded from the start|is not followed/.test(line));

const warnings = ({ lines }: SyncOutcome): readonly string[] => lines.filter((line) => line.startsWith('WARNING'));

const CHANGE = `DELETE FROM t WHERE id % 10 = 1; UPDATE t SET v = 'new' WHERE id % 10 = 2; DELETE FROM u WHERE id = 5`;

it('auto follows the log where slot and publication are there, and does not ask about it where they are not', async () => {
  await sync(database, { syncMode: 'auto' });
  await setUpLog(database);
  await sql(CHANGE);
  expect((await sync(database, { syncMode: 'auto' })).failures).toEqual({});
  await expectSame();
  await sql(`DELETE FROM t WHERE id = 3; UPDATE u SET v = 'by log' WHERE id = 7`);
  const { lines } = await sync(database, { syncMode: 'auto' });
  expect(lines.join('\n')).toContain('mode log (its changes are in the log of our slot)');
  expect(lines.join('\n')).toContain('public.t: 0 records, 1 marked deleted');
  await expectSame();
});

it('a slot that was dropped and made again', async () => {
  await setUpLog(database);
  await log();
  await dropSlot(database);
  await sql(CHANGE);
  expect(warnings(await log())).toEqual([expect.stringMatching(/^WARNING There is no replication slot "pgsluice_/)]);
  await expectSame();
  await sql(`DELETE FROM u WHERE id = 100`);
  await makeSlot(database);
  await log();
  await expectSame();
  await sql(`DELETE FROM u WHERE id = 101`);
  expect(others(await log())).toEqual([]);
  await expectSame();
});

it('a slot that somebody else has moved on', async () => {
  await setUpLog(database);
  await log();
  await sql(CHANGE);
  await sql(
    `SELECT count(*) FROM pg_logical_slot_get_binary_changes('${slotOf(database)}', NULL, NULL, 'proto_version', '1', 'publication_names', 'pgsluice')`,
  );
  expect(warnings(await log())).toEqual([expect.stringMatching(/^WARNING Slot pgsluice_.* does not reach back/)]);
  await expectSame();
  await sql(`DELETE FROM t WHERE id = 8`);
  expect(others(await log())).toEqual([]);
  await expectSame();
});

it('a slot that another session is reading is waited for', async () => {
  await setUpLog(database);
  await log();
  await sql(CHANGE);
  const reader = await holdSlot(database, slotOf(database));
  let ending: Promise<void> | undefined;
  const statement = ({ doing, failed }: StatementEvent): void => {
    if (failed && doing.startsWith('reading the log from slot')) ending ??= reader.end();
  };
  const outcome = await sync(database, { syncMode: 'log' }, { observer: { statement } });
  expect(ending).toBeDefined();
  await ending;
  expect(outcome.failures).toEqual({});
  expect([...others(outcome), ...warnings(outcome)]).toEqual([]);
  await expectSame();
});

it('a slot that another session does not let go of: the tables are compared, and followed again afterwards', async () => {
  await setUpLog(database);
  await log();
  await sql(CHANGE);
  const reader = await holdSlot(database, slotOf(database));
  try {
    const [unread, ...more] = warnings(await log());
    expect(unread).toMatch(/^WARNING The log cannot be read from slot .* is active for PID/);
    for (const line of more) expect(line).toMatch(/^WARNING Slot .* could not be moved on/);
    await expectSame();
  } finally {
    await reader.end();
  }
  await sql(`DELETE FROM t WHERE id = 15; UPDATE u SET v = 'new' WHERE id = 9`);
  const outcome = await log();
  expect([...others(outcome), ...warnings(outcome)]).toEqual([]);
  await expectSame();
});

it('a publication that was dropped, and one that was made later than the slot', async () => {
  await setUpLog(database);
  await log();
  await sql('DROP PUBLICATION pgsluice');
  await sql(CHANGE);
  expect((await log()).lines.join('\n')).toMatch(/WARNING There is no publication "pgsluice"/);
  await expectSame();
  await sql(
    `UPDATE t SET v = 'unpublished' WHERE id = 4; CREATE PUBLICATION pgsluice FOR TABLE t, u; DELETE FROM t WHERE id = 6`,
  );
  await log();
  await expectSame();
  await sql(`DELETE FROM t WHERE id = 14`);
  await log();
  await expectSame();
  await sql(`DELETE FROM t WHERE id = 15`);
  expect(others(await log())).toEqual([]);
  await expectSame();
});

it('a table that was taken out of the publication and put back', async () => {
  await setUpLog(database, 't, u');
  await log();
  await sql(
    `ALTER PUBLICATION pgsluice DROP TABLE t; ${CHANGE}; ALTER PUBLICATION pgsluice ADD TABLE t; UPDATE t SET v = 'back' WHERE id = 9`,
  );
  await log();
  await expectSame();
  await sql(`DELETE FROM t WHERE id = 14`);
  expect(others(await log())).toEqual([]);
  await expectSame();
});

it('tables that the publication or the log cannot show go on in their modes', async () => {
  await sql(`CREATE TABLE keyless (id int); INSERT INTO keyless VALUES (1), (2);
    CREATE UNLOGGED TABLE volatile (id int PRIMARY KEY); INSERT INTO volatile VALUES (1), (2);
    CREATE TABLE nameless (id int PRIMARY KEY); ALTER TABLE nameless REPLICA IDENTITY NOTHING; INSERT INTO nameless VALUES (1), (2)`);
  await setUpLog(database, 't');
  await log();
  await sql(
    `DELETE FROM t WHERE id = 1; DELETE FROM u WHERE id = 1; DELETE FROM keyless WHERE id = 1; DELETE FROM volatile WHERE id = 1; DELETE FROM nameless WHERE id = 1`,
  );
  const told = warnings(await log()).join('\n');
  for (const name of ['u', 'keyless', 'volatile', 'nameless'])
    expect(told).toContain(`public.${name} is not followed in the log`);
  expect(told).not.toContain('public.t ');
  await expectSame('t', 'u', 'volatile', 'nameless');
});

it.each(
  [
    ['deletes that are not published', `ALTER PUBLICATION pgsluice SET (publish = 'insert, update')`, 12],
    ['a row filter', `ALTER PUBLICATION pgsluice SET TABLE t WHERE (id > 100), u`, 15],
    ['a column list without the key', `ALTER PUBLICATION pgsluice SET TABLE t (v), u`, 15],
  ].filter(([, , since]) => serverMajor() >= Number(since)),
)('%s', async (_, statement) => {
  await setUpLog(database, 't, u');
  await log();
  await sql(String(statement));
  if (String(statement).includes('(v)')) await sql(`INSERT INTO t VALUES (1000, 'x')`);
  else await sql(CHANGE);
  const outcome = await log();
  expect(others(outcome).join('\n')).toContain('public.t is not followed in the log');
  await expectSame();
  await sql(`INSERT INTO t VALUES (2000, 'y')`);
  await log();
  await expectSame();
});

it('a table that a filter leaves out for a while has its changes compared when it comes back', async () => {
  await setUpLog(database);
  await log();
  await sql(CHANGE);
  await log({ tableFilters: ['public.u'] });
  await sql(`UPDATE u SET v = 'again' WHERE id = 9`);
  await log({ tableFilters: ['public.u'] });
  const { lines } = await log();
  expect(lines.join('\n')).toMatch(/public\.t: \d+ records, 30 marked deleted/);
  await expectSame();
});

it('a table that fails sees its changes again, and the others are not read again', async () => {
  await setUpLog(database);
  await log();
  await sql(CHANGE);
  const before = await confirmedPosition(database.client, slotOf(database));
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
  const { failures } = await sync(database, { syncMode: 'log', lockTimeoutSeconds: 1, maxRetries: 1 });
  expect(Object.keys(failures)).toEqual(['public.t']);
  expect(await confirmedPosition(database.client, slotOf(database))).toBe(before);
  await holder.query('ROLLBACK');
  await expectSame('u');
  const { report } = await log();
  expect(report.tables.filter(({ rows }) => rows > 0).map(({ key }) => key)).toEqual(['public.t']);
  await expectSame();
  expect(await confirmedPosition(database.client, slotOf(database))).toBeGreaterThan(before);
});

it('a sync without changes writes nothing and leaves the slot where it is', async () => {
  await setUpLog(database);
  await log();
  await sql(CHANGE);
  await log();
  const held = (): Promise<unknown[][]> =>
    withWarehouse(database, async (warehouse) =>
      warehouse.rows(`SELECT entry FROM ${await statesIn(warehouse)} ORDER BY table_key`),
    );
  const known = async () => (await readContents(settingsFor(database), 0))?.logPosition;
  const before = [await held(), await known()];
  const position = await confirmedPosition(database.client, slotOf(database));
  const { report, lines } = await log();
  expect(lines).toContain('INFO Unchanged since the last sync: 2 of 2 tables');
  expect(report.operations).toMatchObject({ upserts: 0, deletes: 0, checkpoints: 0 });
  expect([await held(), await known()]).toEqual(before);
  expect(before[1]).toMatchObject({ slot: slotOf(database) });
  expect(await confirmedPosition(database.client, slotOf(database))).toBe(position);
});

it('many deletes at once fail the table, until they are let pass', async () => {
  await sql(`INSERT INTO t SELECT i, 'v' FROM generate_series(1000, 3000) i`);
  await setUpLog(database);
  await log();
  await sql(`DELETE FROM t WHERE id > 500; UPDATE u SET v = 'new' WHERE id = 3`);
  const { failures } = await sync(database, { syncMode: 'log', maxDeletes: 50, maxRetries: 1 });
  expect(failures['public.t']).toMatch(/2001 would be marked deleted/);
  await expectSame('u');
  await log({ maxDeletes: 100 });
  await expectSame();
});

it('rows that somebody took out of the warehouse come back', async () => {
  await setUpLog(database);
  await log();
  await changeWarehouse(database, 'DELETE FROM tester.source_public_t WHERE id < 10');
  await log();
  await expectSame();
});

it('--reconcile compares all keys, and the log goes on from there', async () => {
  await setUpLog(database);
  await log();
  await sql(CHANGE);
  expect((await sync(database, { syncMode: 'log' }, { reconcile: true })).failures).toEqual({});
  await expectSame();
  await sql(`DELETE FROM t WHERE id = 8`);
  expect(others(await log())).toEqual([]);
  await expectSame();
});
