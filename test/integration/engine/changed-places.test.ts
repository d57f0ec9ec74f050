/** A pass over changes scans a range once, and reads what changed by its place; where most has changed, it scans twice. */
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { Session } from '../../../src/postgres/connection/session';
import type { Settings } from '../../../src/config/settings';
import { sync } from '../sync';

const ROWS = 120_000;
let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await sql(`CREATE TABLE t (id int PRIMARY KEY, v text, n numeric, d date);
    INSERT INTO t SELECT i, 'v' || i, i / 3.0, date '2026-01-01' + i % 99 FROM generate_series(1, ${ROWS}) i; ANALYZE t`);
});
afterEach(() => database.drop());

const sql = (text: string): Promise<unknown> => database.client.query(text);

/** How many statements that read changes note places, and how many scan twice. */
async function changes(settings: Partial<Settings> = {}): Promise<{ noted: number; twice: number; upserts: number }> {
  await allOlderEnded(database.client);
  const prepared = jest.spyOn(Session.prototype, 'queryRepeated');
  const direct = jest.spyOn(Session.prototype, 'query');
  try {
    const { report, failures } = await sync(database, { syncMode: 'xmin', ...settings });
    expect(failures).toEqual({});
    const texts = [...prepared.mock.calls.map(([{ text }]) => text), ...direct.mock.calls.map(([text]) => text)];
    const ofChanges = texts.filter((text) => text.includes('age(t.xmin)') && text.includes('octet_length(c0)'));
    const noted = ofChanges.filter((text) => text.startsWith('WITH places'));
    return { noted: noted.length, twice: ofChanges.length - noted.length, upserts: report.operations.upserts };
  } finally {
    prepared.mockRestore();
    direct.mockRestore();
  }
}

async function expectSame(rows: number): Promise<void> {
  const name = { schema: 'public', name: 't' };
  expect(await withWarehouse(database, (warehouse) => compareTable(database.client, warehouse, name))).toEqual(
    same(rows),
  );
}

withRanges(it)('reads the rows that changed, and counts all, in one scan', async () => {
  await changes();
  await sql(
    `UPDATE t SET v = 'later' WHERE id % 1000 = 7; INSERT INTO t SELECT ${ROWS} + i FROM generate_series(1, 30) i`,
  );
  const found = await changes();
  expect(found).toMatchObject({ twice: 0, upserts: 150 });
  expect(found.noted).toBeGreaterThan(0);
  await expectSame(ROWS + 30);
});

withRanges(it)('scans twice behind a range of which most has changed', async () => {
  // With room in each page, changed rows stay where they were: behind the empty half of a table, ranges are wide.
  await sql('ALTER TABLE t SET (fillfactor = 40)');
  await sql('VACUUM FULL t');
  await changes();
  await sql('UPDATE t SET n = n + 1');
  const found = await changes({ batchMode: 'fixed', customBatchSize: 500 });
  expect(found.upserts).toBe(ROWS);
  expect(found.noted).toBeGreaterThan(0);
  expect(found.twice).toBeGreaterThan(found.noted);
  await expectSame(ROWS);
});

withRanges(it)('asks for no places where the server would not look there only: with row-level security', async () => {
  const role = `reader_${database.name}`;
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'; GRANT SELECT ON t TO ${role};
    ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY seen ON t USING (id > 1000)`);
  try {
    const login = { username: role, password: 'reader' };
    await changes(login);
    await sql(`UPDATE t SET v = 'later' WHERE id % 1000 = 7`);
    const found = await changes(login);
    expect(found).toMatchObject({ noted: 0, upserts: 119 });
    expect(found.twice).toBeGreaterThan(0);
  } finally {
    await sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});
