/** What a sync loses by a role's settings and limits, or by a pooler: never rows, at most speed. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { openSource } from '../../../src/app/source-connection';
import { runVerify } from '../../../src/app/verify-run';
import type { Settings } from '../../../src/config/settings';
import { beginAndExport, endTransaction } from '../../../src/postgres/read/snapshot';
import { withJoinedSession } from '../../../src/engine/passes/join-snapshot';
import { createDatabase, rangesMissing, serverMajor, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

const ROWS = 120_000;
const role = `limited_${randomBytes(4).toString('hex')}`;
const other = `other_${randomBytes(4).toString('hex')}`;
const login = { username: role, password: 'x1y2z3' };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE ROLE ${other}; CREATE ROLE ${role} LOGIN PASSWORD 'x1y2z3' IN ROLE ${other};
    CREATE TABLE one (id int PRIMARY KEY, note text); CREATE TABLE two (LIKE one INCLUDING ALL);
    INSERT INTO one SELECT i, repeat('x', 60) FROM generate_series(1, ${ROWS}) i; INSERT INTO two TABLE one;
    GRANT SELECT ON one, two TO ${role}, ${other}; ANALYZE`);
});
afterEach(() => database.client.query(`ALTER ROLE ${role} RESET ALL; ALTER ROLE ${role} CONNECTION LIMIT -1`));
afterAll(async () => {
  await database.client.query(`DROP OWNED BY ${role}, ${other}; DROP ROLE ${role}, ${other}`);
  await database.drop();
});

function recording(): {
  readonly lines: string[];
  readonly logger: Record<'debug' | 'info' | 'warning' | 'severe', (line: string) => void>;
} {
  const lines: string[] = [];
  const log = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
  return { lines, logger: { debug: log('DEBUG'), info: log('INFO'), warning: log('WARNING'), severe: log('SEVERE') } };
}

/** Outcomes of a comparison, and what was warned of. */
async function verified(settings: Partial<Settings>): Promise<{ outcomes: string[]; warnings: string[] }> {
  const { lines, logger } = recording();
  const signal = new AbortController().signal;
  const { tables } = await runVerify(settingsFor(database, settings), { logger, signal, show: 0, sample: 1 });
  return {
    outcomes: tables.map((it) => `${it.key} ${it.outcome} ${it.sourceRows}`).sort(),
    warnings: warningsOf(lines),
  };
}

const warningsOf = (lines: readonly string[]): string[] => lines.filter((line) => /^(WARNING|SEVERE)/.test(line));
const EQUAL = [`public.one equal ${ROWS}`, `public.two equal ${ROWS}`];

test('timeouts and isolation of the role are not those of its sessions here', async () => {
  const newer = [
    ...(serverMajor() >= 14 ? ['idle_session_timeout'] : []),
    ...(serverMajor() >= 17 ? ['transaction_timeout'] : []),
  ];
  const timeouts = ['idle_in_transaction_session_timeout', ...newer];
  // They hold for the login as well, which takes its time on a busy machine.
  for (const name of [...timeouts, 'statement_timeout', 'lock_timeout'])
    await database.client.query(`ALTER ROLE ${role} SET ${name} = '3s'`);
  await database.client.query(`
    ALTER ROLE ${role} SET default_transaction_isolation = 'serializable';
    ALTER ROLE ${role} SET default_transaction_deferrable = 'on'`);
  const manager = openSource(settingsFor(database, login), recording().logger, 1);
  const session = await manager.lease();
  const shown = async (name: string): Promise<unknown> =>
    (await session.query(`SELECT current_setting('${name}') AS v`, { doing: 'testing' }))[0]?.['v'];
  for (const name of timeouts) expect([name, await shown(name)]).toEqual([name, '0']);
  expect([await shown('statement_timeout'), await shown('lock_timeout')]).toEqual(['10min', '1min']);
  expect(await shown('transaction_isolation')).toBe('read committed');
  expect(await shown('transaction_deferrable')).toBe('off');
  await manager.release(session);
  await manager.close();
  // The transaction of a reader lasts longer than the role's sessions may.
  const { failures, lines } = await sync(
    database,
    { ...login, tableFilters: ['public.one'], customThreads: 1, customBatchSize: 20_000, customQueueSize: 20_000 },
    { beforeWrite: async (batch) => (batch === 1 ? await delay(3_500) : undefined) },
  );
  expect(failures).toEqual({});
  expect(warningsOf(lines)).toEqual([]);
});

test('a role whose sessions begin as another role can be interrupted: the statement ends on the server', async () => {
  await database.client.query(`ALTER ROLE ${role} SET role = '${other}'`);
  const manager = openSource(settingsFor(database, login), recording().logger, 1);
  const session = await manager.lease();
  const abort = new AbortController();
  const asleep = session.query('SELECT pg_sleep(600), current_user AS u', { doing: 'testing', signal: abort.signal });
  const running = async (): Promise<number> =>
    (await database.client.query(`SELECT FROM pg_stat_activity WHERE pid = ${session.backendPid} AND state = 'active'`))
      .rows.length;
  while ((await running()) === 0) await delay(5);
  abort.abort();
  await expect(asleep).rejects.toMatchObject({ code: 'interrupted' });
  expect(await running()).toBe(0);
  await manager.close();
});

describe('with fewer connections than readers', () => {
  // A server counts a connection until its process has ended, a moment after the client has closed it.
  beforeEach(async () => {
    const sessions = async (): Promise<number> =>
      (await database.client.query(`SELECT FROM pg_stat_activity WHERE usename = '${role}'`)).rows.length;
    while ((await sessions()) > 0) await delay(5);
  });

  test.each(rangesMissing() === undefined ? [1, 2] : [1])(
    'CONNECTION LIMIT %i: sync and verify read with what they get, and say so once',
    async (limit) => {
      await database.client.query(`ALTER ROLE ${role} CONNECTION LIMIT ${limit}`);
      const { failures, lines } = await sync(database, { ...login, fullResync: ['*'] });
      expect(failures).toEqual({});
      expect(warningsOf(lines)).toEqual([
        expect.stringMatching(
          /^WARNING The server gives no further connection, so fewer read at once: .*too many connections for role/,
        ),
      ]);
      const { outcomes, warnings } = await verified(login);
      expect(outcomes).toEqual(EQUAL);
      expect(warnings.length).toBeLessThanOrEqual(1);
    },
  );

  test('a lease waits for the connection that another has; closing ends the waiting', async () => {
    await database.client.query(`ALTER ROLE ${role} CONNECTION LIMIT 1`);
    const manager = openSource(settingsFor(database, login), recording().logger, 3);
    const first = await manager.lease();
    const second = manager.lease();
    expect(await manager.leaseAnother(new AbortController().signal)).toBeUndefined();
    await manager.release(first);
    expect(await second).toBe(first);
    // Nor is a connection that was closed a moment ago in the way of the next.
    const third = manager.lease();
    await manager.discard(first);
    const last = await third;
    expect(last).not.toBe(first);
    const abort = new AbortController();
    const aborted = expect(manager.lease(abort.signal)).rejects.toMatchObject({ code: 'interrupted' });
    const closed = expect(manager.lease()).rejects.toMatchObject({ code: 'closed' });
    await delay(200);
    abort.abort();
    await aborted;
    await manager.close();
    await closed;
  });
});

test('a snapshot that is gone is no failure of the reader that comes too late', async () => {
  const { lines, logger } = recording();
  const manager = openSource(settingsFor(database), logger, 2);
  const { signal } = new AbortController();
  const session = await manager.lease();
  const snapshot = await beginAndExport(session, [], signal);
  await endTransaction(session);
  expect(await withJoinedSession(manager, snapshot, [], signal, () => Promise.resolve())).toBe(false);
  expect(warningsOf(lines)).toEqual([expect.stringMatching(/could not join the snapshot/)]);
  await manager.release(session);
  await manager.close();
});

test('a session that may not join, since a table is locked, is given back outside of a transaction', async () => {
  await database.client.query('CREATE TABLE held (id int)');
  const manager = openSource(settingsFor(database), recording().logger, 2);
  const { signal } = new AbortController();
  const first = await manager.lease();
  const snapshot = await beginAndExport(first, [], signal);
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE');
  const held = { oid: 1, schema: 'public', name: 'held', blocks: 0, rows: 0, bytes: 0, rangeReadable: true };
  expect(await withJoinedSession(manager, snapshot, [held], signal, () => Promise.resolve())).toBe(false);
  const second = await manager.lease();
  const [row] = await second.query('SELECT 1::text AS one', { doing: 'testing' });
  expect(row?.['one']).toBe('1');
  await manager.release(second);
  await endTransaction(first);
  await manager.release(first);
  await manager.close();
  await holder.query('ROLLBACK');
  await holder.end();
});
