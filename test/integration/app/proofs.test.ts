/** Proofs within a sync (`verify_every`): which tables, what is remembered, and what becomes of one that differs. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { DuckDbDestination, WarehouseDestination } from '../../../src/destinations/duckdb/destination';
import type { Destination } from '../../../src/destinations/destination';
import type { StoredTables } from '../../../src/destinations/stored-table';
import { readStatus, type TableStatus } from '../../../src/app/status';
import { exitCodeOfReport } from '../../../src/cli/exit-codes';
import type { StatementEvent } from '../../../src/model/report';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDatabase, type TestDatabase, withRanges } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync, type SyncOutcome } from '../sync';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT i, 'v' || i FROM generate_series(1, 500) i;
    CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b SELECT i, 'v' || i FROM generate_series(1, 500) i`);
  // Rows that a concurrent test's transaction makes look new are read again, which would mend what is altered below.
  await allOlderEnded(database.client);
});
afterEach(() => database.drop());

const WEEK = 7 * 86_400;
const PROVING = { syncMode: 'auto', verifyEverySeconds: WEEK } as const;

async function warehouse(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

async function values(sql: string): Promise<readonly unknown[]> {
  const instance = await DuckDBInstance.create(join(database.folder, 'warehouse.db'));
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRows();
  connection.closeSync();
  instance.closeSync();
  return rows.flat();
}

async function statusOf(table: string): Promise<TableStatus | undefined> {
  return (await readStatus(settingsFor(database))).tables.find((each) => each.table === table);
}

const proofs = ({ lines }: SyncOutcome): string[] =>
  lines.flatMap((line) => /^INFO Proven equal to its source: (.*)$/.exec(line)?.[1] ?? []);

/** As if the last proof had been made so many days ago. */
async function age(table: string, days: number): Promise<void> {
  const at = new Date(Date.now() - days * 86_400_000).toISOString();
  await warehouse(
    `UPDATE _pgsluice.state SET entry = json_merge_patch(entry, '{"proof": {"provenAt": "${at}", "triedAt": "${at}"}}') WHERE table_key = '${table}'`,
  );
}

withRanges(it)(
  'proves one table a sync where the budget is for one, the oldest first, and none that is not due',
  async () => {
    const settings = { ...PROVING, verifyBudgetSeconds: 0 };
    const first = await sync(database, settings);
    expect(proofs(first)).toEqual(['public.a, 500 rows']);
    expect(first.lines).toContainEqual(
      expect.stringMatching(/^INFO Proofs left to the next syncs, .* spent: 1 table$/),
    );
    expect((await statusOf('public.a'))?.provenAt).toMatch(/^\d{4}-/);
    expect((await statusOf('public.b'))?.provenAt).toBeNull();
    expect(proofs(await sync(database, settings))).toEqual(['public.b, 500 rows']);

    const statements: StatementEvent[] = [];
    const proven: [string, string | null][] = [];
    const observer = {
      statement: (statement: StatementEvent) => void statements.push(statement),
      tableProven: (table: string, at: string | null) => void proven.push([table, at]),
    };
    const before = await values('SELECT entry FROM _pgsluice.state ORDER BY table_key');
    const quiet = await sync(database, settings, { observer });
    expect(proofs(quiet)).toEqual([]);
    expect(statements.filter(({ doing }) => doing.startsWith('comparing') || doing.startsWith('counting'))).toEqual([]);
    expect(await values('SELECT entry FROM _pgsluice.state ORDER BY table_key')).toEqual(before);
    expect(proven).toEqual([
      ['public.a', (await statusOf('public.a'))?.provenAt],
      ['public.b', (await statusOf('public.b'))?.provenAt],
    ]);

    await age('public.a', 8);
    await age('public.b', 9);
    expect(proofs(await sync(database, settings))).toEqual(['public.b, 500 rows']);
  },
);

it('proves all that is due while the budget lasts, and nothing where it is off', async () => {
  expect(proofs(await sync(database, { syncMode: 'auto' }))).toEqual([]);
  expect((await statusOf('public.a'))?.provenAt).toBeNull();
  expect(proofs(await sync(database, PROVING))).toEqual(['public.a, 500 rows', 'public.b, 500 rows']);
});

withRanges(it)(
  'finds an altered value, fails the table, and the next sync loads it in full and proves it',
  async () => {
    await sync(database, { syncMode: 'auto' });
    await warehouse("UPDATE tester.source_public_a SET v = 'altered' WHERE id = 7");
    const failed: (string | undefined)[] = [];
    const found = await sync(database, PROVING, {
      observer: { proofFailed: ({ error }) => void failed.push(error?.code) },
    });
    expect(found.failures).toEqual({
      'public.a':
        'public.a differs from its source in the warehouse: 1 row with other values in v. Its next sync loads it in full; find out what else writes to the warehouse.',
    });
    expect(failed).toEqual(['proof_failed']);
    expect(exitCodeOfReport(found.report)).toBe(4);
    expect(found.lines.filter((line) => line.startsWith('SEVERE'))).toHaveLength(1);
    expect(proofs(found)).toEqual(['public.b, 500 rows']);
    expect(await statusOf('public.a')).toMatchObject({
      provenAt: null,
      differs: true,
      rows: 500,
      lastError: { message: expect.stringContaining('differs from its source') as string },
    });

    const repaired = await sync(database, PROVING);
    expect(repaired.failures).toEqual({});
    expect(repaired.lines).toContainEqual(
      expect.stringMatching(/^WARNING .*public\.a was found to differ from its source .*loaded from the start/),
    );
    expect(repaired.report.tables.find(({ key }) => key === 'public.a')?.rows).toBe(500);
    expect(proofs(repaired)).toEqual(['public.a, 500 rows']);
    expect(await values('SELECT v FROM tester.source_public_a WHERE id = 7')).toEqual(['v7']);
    expect(await statusOf('public.a')).toMatchObject({ differs: false, lastError: null });
  },
);

withRanges(it)('repairs also where the syncs after it prove nothing, and keeps the mark until then', async () => {
  await sync(database, { syncMode: 'auto' });
  await warehouse(
    'DELETE FROM tester.source_public_a WHERE id = 7; INSERT INTO tester.source_public_a SELECT * REPLACE (1000 AS id) FROM tester.source_public_a WHERE id = 8',
  );
  const found = await sync(database, PROVING);
  expect(found.failures['public.a']).toMatch(/1 row only in the source, 1 row only in the warehouse/);
  await sync(database, { syncMode: 'auto' }, { keysOnly: true });
  expect((await statusOf('public.a'))?.differs).toBe(true);
  await sync(database, { syncMode: 'auto' });
  expect(
    await values('SELECT count(*)::int FROM tester.source_public_a WHERE NOT _fivetran_deleted AND id IN (7, 1000)'),
  ).toEqual([1]);
});

/** A warehouse whose source is written after the passes of a sync, before the first table is compared. */
function writtenBeforeProof(sql: string): Destination {
  const destination = new DuckDbDestination({
    path: join(database.folder, 'warehouse.db'),
    memoryBytes: 500_000_000,
    comparisonBytes: 100_000_000,
    threads: 1,
    schema: 'tester',
    logger: { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined },
  });
  let written: Promise<unknown> | undefined;
  const own = Object.getOwnPropertyDescriptor(WarehouseDestination.prototype, 'storedTables');
  const stored = (): StoredTables => own?.get?.call(destination) as StoredTables;
  Object.defineProperty(destination, 'storedTables', {
    get: (): StoredTables => ({
      keepsZeroSigns: true,
      interrupt: () => undefined,
      table: async (table) => {
        await (written ??= database.client.query(sql));
        return await stored().table(table);
      },
    }),
  });
  return destination;
}

const WRITER = "UPDATE a SET v = 'newer' WHERE id <= 3; DELETE FROM a WHERE id = 9; INSERT INTO a VALUES (501, 'new')";

it('does not fail where the source is written between pass and proof', async () => {
  await sync(database, { syncMode: 'auto' });
  const outcome = await sync(database, PROVING, { destination: writtenBeforeProof(WRITER) });
  expect(outcome.failures).toEqual({});
  expect(proofs(outcome)).toEqual(['public.a, 500 rows', 'public.b, 500 rows']);
  // The rows come with the next sync.
  await sync(database, PROVING);
  expect(await values("SELECT count(*)::int FROM tester.source_public_a WHERE v IN ('newer', 'new')")).toEqual([4]);
});

withRanges(it)('finds an altered value also while the source is written', async () => {
  await sync(database, { syncMode: 'auto' });
  await warehouse("UPDATE tester.source_public_a SET v = 'altered' WHERE id = 7");
  const outcome = await sync(database, PROVING, { destination: writtenBeforeProof(WRITER) });
  expect(outcome.failures['public.a']).toMatch(
    /: 4 rows with other values in v, .* 4 of them newer than its last pass/,
  );
});

it('says of a view that is written meanwhile only that it was not proven', async () => {
  await database.client.query('CREATE VIEW looks AS SELECT * FROM a');
  const settings = { ...PROVING, includeViews: true, tableFilters: ['public.looks'] };
  const outcome = await sync(database, settings, { destination: writtenBeforeProof(WRITER) });
  expect(outcome.failures).toEqual({});
  expect(proofs(outcome)).toEqual([]);
  expect(outcome.lines).toContainEqual(expect.stringContaining('public.looks was not proven'));
  expect(proofs(await sync(database, settings))).toEqual(['public.looks, 500 rows']);
});

it('goes on where a table cannot be compared, and says so', async () => {
  await sync(database, { syncMode: 'auto' });
  const outcome = await sync(database, PROVING, { destination: writtenBeforeProof('DROP TABLE a') });
  expect(outcome.failures).toEqual({});
  expect(outcome.lines).toContainEqual(
    expect.stringMatching(/^WARNING public\.a could not be proven, the next sync tries again: /),
  );
  expect(proofs(outcome)).toEqual(['public.b, 500 rows']);
});

it('keeps all rows and the proofs already made where it is interrupted during one', async () => {
  await sync(database, { syncMode: 'auto' });
  await database.client.query("INSERT INTO b VALUES (501, 'new')");
  const stop = new AbortController();
  const observer = {
    tableProven: (table: string, at: string | null) => void (at !== null && table === 'public.a' && stop.abort()),
  };
  await expect(sync(database, PROVING, { observer, signal: stop.signal })).rejects.toThrow(
    'The sync was interrupted during a proof; all of its rows are kept.',
  );
  expect(await values('SELECT count(*)::int FROM tester.source_public_b')).toEqual([501]);
  expect((await statusOf('public.a'))?.provenAt).not.toBeNull();
  expect(proofs(await sync(database, PROVING))).toEqual(['public.b, 501 rows']);
});
