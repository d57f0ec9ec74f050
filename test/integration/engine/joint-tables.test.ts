/** Small tables that are read together arrive as if each had been read alone, and fail alone. */
import { Session } from '../../../src/postgres/connection/session';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

const TABLES = 12;

const query = Reflect.get(Session.prototype, 'query');

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  for (let i = 1; i <= TABLES; i += 1)
    await sql(
      `CREATE TABLE t${i} (id int PRIMARY KEY, v text); INSERT INTO t${i} SELECT j, 'value ' || j FROM generate_series(1, ${i}) j`,
    );
});
afterEach(() => database.drop());

const sql = (text: string): Promise<unknown> => database.client.query(text);

async function expectEqual(names: readonly string[], rows?: number): Promise<void> {
  await withWarehouse(database, async (warehouse) => {
    for (const name of names)
      expect([name, await compareTable(database.client, warehouse, { schema: 'public', name })]).toEqual([
        name,
        same(rows ?? Number(name.slice(1))),
      ]);
  });
}

const names = (without?: string): string[] =>
  Array.from({ length: TABLES }, (_, index) => `t${index + 1}`).filter((name) => name !== without);

/** What the statements were for. */
function watched(): {
  readonly doing: string[];
  readonly observer: { statement(event: { readonly doing: string }): void };
} {
  const doing: string[] = [];
  return { doing, observer: { statement: (event) => void doing.push(event.doing) } };
}

test('tables of other widths, types and sizes are read in one statement, and those that it cannot hold by themselves', async () => {
  await sql(`
    CREATE TABLE empty (id int PRIMARY KEY);
    CREATE TABLE nothing ();
    CREATE TABLE typed (id bigint PRIMARY KEY, a float8, b date, c timestamptz, d jsonb, e bytea, f numeric[], g bool, h text);
    INSERT INTO typed VALUES (1, 'NaN', '-infinity', 'infinity', '{"a": null}', '\\x00ff', '{1.50,NULL}', true, ''),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE control (id int PRIMARY KEY, v text); INSERT INTO control VALUES (1, E'a\\x1fb'), (2, E'\\x1d'), (3, E'\\x1b0'), (4, NULL);
    CREATE TABLE long (id int PRIMARY KEY, v text); INSERT INTO long VALUES (1, repeat('long ', 200000))`);
  const { doing, observer } = watched();
  const { failures } = await sync(database, {}, { observer });
  expect(failures).toEqual({});
  expect(doing).toContain(`reading ${TABLES + 5} small tables`);
  for (const alone of ['reading public.t3', 'reading public.typed']) expect(doing).not.toContain(alone);
  expect(doing.filter((it) => /public\.(?:control|long)/.test(it)).length).toBeGreaterThan(0);
  await expectEqual(names());
  await expectEqual(['empty'], 0);
  await expectEqual(['long'], 1);
  await expectEqual(['typed'], 2);
  await expectEqual(['control'], 4);
});

test.each([
  ['is dropped', 'DROP TABLE t5', /no longer exists|does not exist/],
  ['may no longer be read', 'ALTER TABLE t5 RENAME TO renamed', /does not exist/],
  ['is altered', `ALTER TABLE t5 ALTER v TYPE bytea USING v::bytea`, /were altered after discovery/],
])('a table that %s meanwhile fails alone', async (_, change, message) => {
  const { failures } = await sync(database, { maxRetries: 1 }, { beforeReading: async () => void (await sql(change)) });
  expect(Object.keys(failures)).toEqual(['public.t5']);
  expect(failures['public.t5']).toMatch(message);
  await expectEqual(names('t5'));
});

test('a table that is locked holds up no other, and is waited for as long as configured', async () => {
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE t5 IN ACCESS EXCLUSIVE MODE');
  const { doing, observer } = watched();
  const { failures } = await sync(database, { maxRetries: 1, lockTimeoutSeconds: 1 }, { observer });
  await holder.query('ROLLBACK');
  expect(Object.keys(failures)).toEqual(['public.t5']);
  expect(failures['public.t5']).toMatch(/lock/i);
  expect(doing).toContain('reading public.t6');
  await expectEqual(names('t5'));
});

test('a session that failed to read them waits for locks again', async () => {
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE t5 IN ACCESS EXCLUSIVE MODE');
  // The others have been read by then, each by itself: no session gave up after a moment.
  const released = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 600));
    await holder.query('ROLLBACK');
  };
  let releasing: Promise<void> | undefined;
  const { failures } = await sync(
    database,
    { maxRetries: 1, customThreads: 1 },
    {
      onLine: (line) => {
        if (line.includes('are read one by one')) releasing = released();
      },
    },
  );
  await releasing;
  expect(releasing).toBeDefined();
  expect(failures).toEqual({});
  await expectEqual(names());
});

test('a session that has read them waits for locks again', async () => {
  const seen: unknown[] = [];
  const spy = jest.spyOn(Session.prototype, 'query').mockImplementation(async function (this: Session, text, context) {
    const rows = await query.call(this, text, context);
    if (text.includes(' UNION ALL SELECT 1 AS j'))
      seen.push(...(await query.call(this, `SELECT pg_catalog.current_setting('lock_timeout') AS now`, context)));
    return rows;
  });
  await sync(database, { lockTimeoutSeconds: 7 });
  spy.mockRestore();
  expect(seen).toEqual([{ now: '7s' }]);
});
