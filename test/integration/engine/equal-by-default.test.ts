import type { Settings } from '../../../src/config/settings';
import { changeWarehouse, statesIn, writtenIn } from '../../helpers/warehouse-access';
import { compareTable, same, withWarehouse, type Comparison } from '../../helpers/compare';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { sync, type SyncOutcome } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await database.drop();
});

const sql = (text: string): Promise<unknown> => database.client.query(text);

/** As a user has it: no option but those given. */
const auto = (overrides: Partial<Settings> = {}): Promise<SyncOutcome> =>
  sync(database, { syncMode: 'auto', ...overrides });

const compared = (name: string): Promise<Comparison> =>
  withWarehouse(database, (warehouse) => compareTable(database.client, warehouse, { schema: 'public', name }));

const stored = (query: string): Promise<unknown[][]> => withWarehouse(database, (warehouse) => warehouse.rows(query));

async function table(rows: number, key = 'id int PRIMARY KEY'): Promise<void> {
  await sql(`CREATE TABLE t (${key}, v text, updated_at timestamptz NOT NULL DEFAULT now());
    INSERT INTO t SELECT i, 'value ' || i, now() - interval '1 day' FROM generate_series(1, ${rows}) i;
    CREATE INDEX ON t (updated_at); ANALYZE t`);
  await allOlderEnded(database.client);
}

describe.each([20, 12_000])('a table of %i rows', (rows) => {
  it.each<[string, Partial<Settings>]>([
    ['auto', {}],
    ['xmin', { syncMode: 'xmin' }],
    ['timestamp', { syncMode: 'timestamp' }],
    ['full', { syncMode: 'full' }],
  ])(
    'in mode %s ends equal after deletes, changed keys, old dates and updates that leave the date',
    async (_, settings) => {
      await table(rows);
      await auto(settings);
      await sql(`DELETE FROM t WHERE id % 10 = 3; UPDATE t SET id = -id WHERE id % 10 = 4;
      INSERT INTO t VALUES (100000, 'old date', '2001-01-01'); UPDATE t SET v = 'the date stays' WHERE id = 5`);
      const { report, lines } = await auto(settings);
      expect(await compared('t')).toEqual(same(rows - rows / 10 + 1));
      expect(report.operations.deletes).toBe((rows / 10) * 2);
      expect(lines.join('\n')).toContain(`${(rows / 10) * 2} marked deleted`);
    },
  );
});

it.each(['text', 'uuid', 'numeric', 'bigint'])('finds deleted rows by a key of type %s', async (type) => {
  const of = type === 'uuid' ? `md5(i::text)::uuid` : `i::${type}`;
  await sql(
    `CREATE TABLE t (id ${type} PRIMARY KEY, v int); INSERT INTO t SELECT ${of}, i FROM generate_series(-3000, 3000) i`,
  );
  await auto();
  await sql('DELETE FROM t WHERE v % 100 = 7');
  await auto();
  expect(await compared('t')).toEqual(same(6001 - 30));
});

it('finds rows that were copied in frozen', async () => {
  await table(500);
  await auto();
  await sql(`BEGIN; TRUNCATE t; COPY t (id) FROM PROGRAM 'seq 300 900' WITH (FREEZE); COMMIT`);
  await auto();
  expect(await compared('t')).toEqual(same(601));
});

withRanges(it)('says what was changed, and counts what was read rather than what the table holds', async () => {
  await table(12_000);
  await auto();
  await sql(`DELETE FROM t WHERE id <= 1000; UPDATE t SET v = 'x' WHERE id > 11990`);
  const { lines } = await auto();
  expect(lines).toContain('INFO Successfully processed table public.t: 10 records, 1000 marked deleted (11000 rows)');
});

withRanges(it)('loads a table again of which somebody has deleted rows in the warehouse', async () => {
  await table(12_000);
  await auto();
  await changeWarehouse(database, 'DELETE FROM tester.source_public_t WHERE id < 10');
  const { lines } = await auto();
  expect(lines.join('\n')).toMatch(/WARNING The warehouse lacks 9 rows of public\.t .* loaded from the start/);
  expect(await compared('t')).toEqual(same(12_000));
});

withRanges(describe)('of what has not changed', () => {
  it.each<[string, string]>([
    ['with a key', 'id int PRIMARY KEY'],
    ['without a key', 'id int'],
  ])('nothing is read or written: a table %s', async (_, key) => {
    await table(500, key);
    await auto();
    const entries = (): Promise<unknown[][]> =>
      withWarehouse(database, async (warehouse) => warehouse.rows(`SELECT entry FROM ${await statesIn(warehouse)}`));
    const before = await entries();
    const { report, lines } = await auto();
    expect(lines).toContain('INFO Unchanged since the last sync: 1 of 1 table');
    expect(report.operations).toMatchObject({ upserts: 0, deletes: 0 });
    expect(await entries()).toEqual(before);
    expect(await stored('SELECT count(DISTINCT sync_timestamp)::INT FROM tester.source_public_t')).toEqual([[1]]);
    await sql(`UPDATE t SET v = 'new' WHERE id = 7`);
    expect((await auto()).lines.join('\n')).not.toContain('Unchanged');
    expect(await compared('t')).toEqual(same(500));
  });

  it('a large table is counted, and nothing of it is written', async () => {
    await sql(
      `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 700) FROM generate_series(1, 60000) i; ANALYZE`,
    );
    await allOlderEnded(database.client);
    await auto();
    const { report, lines } = await auto();
    expect(lines).toContain('INFO Nothing new was found in 1 table: public.t');
    expect(lines.filter((line) => /^INFO (?:Processing|Successfully|Completed)/.test(line))).toEqual([]);
    expect(report.operations).toMatchObject({ upserts: 0, deletes: 0, checkpoints: 0 });
  });

  it('the warehouse file does not grow, and its descriptions are written when they change', async () => {
    await sql(
      `DO $$ BEGIN FOR i IN 1..50 LOOP EXECUTE format('CREATE TABLE t%s AS SELECT 1 AS id', i); END LOOP; END $$`,
    );
    await auto();
    await auto();
    const size = (): number => writtenIn(database);
    const described = (): Promise<unknown[][]> => stored('SELECT count(*)::INT FROM tester.postgres_table');
    const before = size();
    for (let round = 0; round < 5; round += 1) await auto();
    expect(size()).toBe(before);
    expect(await described()).toEqual([[50]]);
    await sql(`COMMENT ON TABLE t7 IS 'said now'`);
    await auto();
    expect(await described()).toEqual([[51]]);
    expect(await stored(`SELECT comment FROM tester.postgres_table WHERE comment IS NOT NULL`)).toEqual([['said now']]);
  });

  it('a table that somebody has locked is left to its own pass', async () => {
    await table(20);
    await sql('CREATE TABLE other AS SELECT 1 AS id');
    await auto();
    const holder = await database.connect();
    await holder.query('BEGIN; LOCK TABLE other IN ACCESS EXCLUSIVE MODE');
    const { lines, failures } = await auto({ lockTimeoutSeconds: 1, maxRetries: 1 });
    await holder.query('ROLLBACK');
    await holder.end();
    expect(lines).toContain('INFO Unchanged since the last sync: 1 of 2 tables');
    expect(Object.keys(failures)).toEqual(['public.other']);
  });
});

describe('many deletes at once', () => {
  it.each<[string, Partial<Settings>]>([
    ['xmin', { syncMode: 'xmin' }],
    ['full', { syncMode: 'full' }],
  ])('fail the table in mode %s, until they are let pass', async (_, settings) => {
    await table(2_000);
    await auto(settings);
    await sql('DELETE FROM t WHERE id > 900');
    const { failures } = await auto({ ...settings, maxDeletes: 50, maxRetries: 1 });
    expect(failures['public.t']).toMatch(/900 rows where it had 2000 .* 1100 would be marked deleted/);
    expect(await stored('SELECT count(*)::INT FROM tester.source_public_t WHERE NOT _fivetran_deleted')).toEqual([
      [2000],
    ]);
    expect((await auto({ ...settings, maxDeletes: 100 })).failures).toEqual({});
    expect(await compared('t')).toEqual(same(900));
  });
});
