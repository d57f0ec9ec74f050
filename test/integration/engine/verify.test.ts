import { runVerify, type VerifyContext } from '../../../src/app/verify-run';
import type { Settings } from '../../../src/config/settings';
import type { VerificationReport } from '../../../src/model/verification';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { renderVerification } from '../../../src/cli/render-verification';
import { WarehouseTable } from '../../../src/destinations/duckdb/verify/checksum';
import { sync } from '../sync';
import { changeWarehouse } from '../../helpers/warehouse-access';
import { allOlderEnded } from '../../helpers/older-transactions';
import { createDemoDatabase } from '../../helpers/demo-database';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

function verify(
  database: TestDatabase,
  context: Partial<VerifyContext> = {},
  settings: Partial<Settings> = {},
): Promise<VerificationReport> {
  return runVerify(settingsFor(database, settings), {
    logger: SILENT,
    signal: new AbortController().signal,
    show: 0,
    sample: 1,
    ...context,
  });
}

/** Key -> outcome. */
function outcomes(report: VerificationReport): Record<string, string> {
  return Object.fromEntries(
    report.tables.map((table) => [table.key, table.error?.describe() ?? table.problem ?? table.outcome]),
  );
}

/** Changes the warehouse behind the product's back. */
const tamper = changeWarehouse;

describe('a faithful copy', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDemoDatabase(5_000);
    await sync(database);
  });
  afterAll(() => database.drop());

  it('is equal, in every table, with the counts of both sides', async () => {
    const report = await verify(database);
    expect(new Set(Object.values(outcomes(report)))).toEqual(new Set(['equal']));
    expect(report.tables.length).toBeGreaterThan(5);
    for (const table of report.tables) expect(table.warehouseRows).toBe(table.sourceRows);
    expect(report.tables.reduce((rows, table) => rows + (table.sourceRows ?? 0), 0)).toBeGreaterThanOrEqual(5_000);
  });

  it('is equal as far as a sample goes, which reads less', async () => {
    const report = await verify(database, { sample: 0.1, random: () => 0.05 });
    expect(new Set(Object.values(outcomes(report)))).toEqual(new Set(['equal']));
    expect(report.tables.every((table) => table.sample === 0.1)).toBe(true);
  });

  it('is equal with rules that filter and rewrite, and different without them', async () => {
    await sync(database, { region: 'Europe' });
    expect(new Set(Object.values(outcomes(await verify(database, {}, { region: 'Europe' }))))).toEqual(
      new Set(['equal']),
    );
    const without = await verify(database);
    expect(without.tables.find((table) => table.key === 'public.orders')?.outcome).toBe('different');
  });

  it('is equal with a rule in JavaScript, which is applied to the source here', async () => {
    const module = join(database.folder, 'rules.mjs');
    writeFileSync(
      module,
      `export default { transformations: [{
         name: 'shout', matches: (table) => table.name === 'orders',
         batch: ({ rows, columns }) => ({
           columns: { status: columns.status.map((value) => value === null ? null : value.toUpperCase() + '\\u001f!') },
           keep: columns.id.map((id) => Number(id) % 3 !== 0),
         }),
       }] };`,
    );
    const settings = { transformations: module, tableFilters: ['public.orders'] };
    await sync(database, settings);
    const report = await verify(database, {}, settings);
    expect(outcomes(report)).toEqual({ 'public.orders': 'equal' });
    await tamper(database, `UPDATE tester.source_public_orders SET status = 'x' WHERE id = 4`);
    const [table] = (await verify(database, { show: 5 }, settings)).tables;
    expect(table?.difference).toMatchObject({ changed: 1, columns: { status: 1 }, rows: [{ key: { id: '4' } }] });
  });
});

describe('a difference', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE goods (id int, part text, price numeric(10,2), weight float8, at timestamptz, note text, PRIMARY KEY (id, part));
      INSERT INTO goods SELECT i, 'p' || i % 7, i * 1.25, i / 3.0, '2024-01-01'::timestamptz + i * interval '1 hour', 'note ' || i
        FROM generate_series(1, 3000) i;
      CREATE TABLE keyless (a int, b text); INSERT INTO keyless SELECT i % 5, 'x' FROM generate_series(1, 20) i;
      CREATE TABLE empty (id int PRIMARY KEY)`);
    // Else rows count as changed since the sync.
    await allOlderEnded(database.client);
    await sync(database);
  });
  afterEach(() => database.drop());

  it.each([
    ['a text', `note = 'other'`, { column: 'note', source: 'note 42', warehouse: 'other' }],
    ['NULL for a text', `note = NULL`, { column: 'note', source: 'note 42', warehouse: null }],
    ['a cent', `price = price + 0.01`, { column: 'price', source: '52.5', warehouse: '52.51' }],
    [
      'a microsecond',
      `"at" = "at" + INTERVAL 1 MICROSECOND`,
      { column: 'at', source: '2024-01-02 18:00:00+00', warehouse: '2024-01-02 18:00:00.000001+00' },
    ],
    [
      'the last bit of a float',
      `weight = weight + 1.8e-15`,
      { column: 'weight', source: '14', warehouse: '14.000000000000002' },
    ],
  ])('of %s in one row is found, with key, column and both values', async (_, change, value) => {
    await tamper(database, `UPDATE tester.source_public_goods SET ${change} WHERE id = 42`);
    const report = await verify(database, { show: 3 });
    expect(outcomes(report)).toEqual({
      'public.empty': 'equal',
      'public.goods': 'different',
      'public.keyless': 'equal',
    });
    const { difference } = report.tables.find((table) => table.key === 'public.goods') ?? {};
    expect(difference).toMatchObject({
      groupsDifferent: 1,
      complete: true,
      changed: 1,
      onlyInSource: 0,
      onlyInWarehouse: 0,
      sinceSync: 0,
      columns: { [value.column]: 1 },
    });
    expect(difference?.rows).toEqual([
      {
        kind: 'changed',
        key: { id: '42', part: 'p0' },
        sinceSync: false,
        values: [{ column: value.column, source: value.source, warehouse: value.warehouse }],
      },
    ]);
  });

  it('of rows is found on both sides, and values are not shown unless asked for', async () => {
    await tamper(
      database,
      'DELETE FROM tester.source_public_goods WHERE id <= 10',
      `UPDATE tester.source_public_goods SET id = id + 10000 WHERE id = 3000`,
    );
    const { difference } = (await verify(database)).tables.find((table) => table.key === 'public.goods') ?? {};
    expect(difference).toMatchObject({ onlyInSource: 11, onlyInWarehouse: 1, changed: 0, rows: [] });
  });

  it('of values exchanged between two rows is found, though every column holds the same values', async () => {
    await tamper(
      database,
      `UPDATE tester.source_public_goods SET note = CASE id WHEN 1 THEN 'note 2' ELSE 'note 1' END WHERE id IN (1, 2)`,
    );
    const { difference } = (await verify(database)).tables.find((table) => table.key === 'public.goods') ?? {};
    expect(difference).toMatchObject({ changed: 2, columns: { note: 2 } });
  });

  it('of one copy among equal rows without a key is found', async () => {
    await tamper(
      database,
      `DELETE FROM tester.source_public_keyless WHERE rowid = (SELECT min(rowid) FROM tester.source_public_keyless)`,
    );
    const table = (await verify(database, { show: 1 })).tables.find((it) => it.key === 'public.keyless');
    expect(table).toMatchObject({ sourceRows: 20, warehouseRows: 19, outcome: 'different' });
    expect(table?.difference).toMatchObject({ onlyInSource: 1, onlyInWarehouse: 0, changed: 0 });
  });

  it('is found by a sample that covers the row', async () => {
    await tamper(
      database,
      `UPDATE tester.source_public_goods SET note = 'x'`,
      'DELETE FROM tester.source_public_goods WHERE id % 2 = 0',
    );
    const table = (await verify(database, { sample: 0.5 })).tables.find((it) => it.key === 'public.goods');
    expect(table?.outcome).toBe('different');
    expect(table?.problem).toMatch(
      /^Of \d+ rows looked up, the warehouse lacks [1-9]\d* and has [1-9]\d* otherwise\.$/,
    );
  });

  it('by rows of the source that are newer than the sync is said to be no fault of it', async () => {
    await database.client.query(
      `UPDATE goods SET note = 'new' WHERE id = 7; INSERT INTO goods VALUES (9999, 'p'); DELETE FROM goods WHERE id = 8`,
    );
    const { difference } = (await verify(database, { show: 5 })).tables.find((it) => it.key === 'public.goods') ?? {};
    expect(difference).toMatchObject({ changed: 1, onlyInSource: 1, onlyInWarehouse: 1, sinceSync: 2 });
    await sync(database);
    expect(new Set(Object.values(outcomes(await verify(database))))).toEqual(new Set(['equal']));
  });

  it('of many rows is counted as far as memory goes, and said to be at least that', async () => {
    await database.client.query(
      `INSERT INTO goods SELECT i, 'p', 0, 0, now(), repeat('x', 100) FROM generate_series(10001, 70000) i`,
    );
    const table = (await verify(database, { show: 2 })).tables.find((it) => it.key === 'public.goods');
    expect(table).toMatchObject({ sourceRows: 63_000, warehouseRows: 3_000 });
    expect(table?.difference?.complete).toBe(false);
    expect(table?.difference?.onlyInSource).toBeGreaterThan(10_000);
    expect(table?.difference?.rows).toHaveLength(2);
  });

  it('of tables and columns that the warehouse lacks is a difference of its own', async () => {
    await database.client.query('CREATE TABLE later (id int); ALTER TABLE keyless ADD COLUMN c int DEFAULT 1');
    expect(outcomes(await verify(database))).toMatchObject({
      'public.goods': 'equal',
      'public.later': 'The warehouse lacks the table: no sync of it has ended yet.',
      'public.keyless': 'The warehouse lacks columns of the source: c.',
    });
  });

  it('leaves out rows that the source deleted, and which the warehouse keeps, marked', async () => {
    await database.client.query('DELETE FROM goods WHERE id < 100');
    await sync(database, { fullResync: ['*'] });
    const report = await verify(database);
    expect(outcomes(report)['public.goods']).toBe('equal');
    expect(report.tables.find((table) => table.key === 'public.goods')).toMatchObject({
      sourceRows: 2901,
      warehouseRows: 2901,
    });
  });

  it('without a warehouse is an error that says what to do', async () => {
    await expect(
      verify(
        database,
        {},
        { warehousePath: join(database.folder, 'none.db'), lakeCatalog: join(database.folder, 'none') },
      ),
    ).rejects.toThrow(/There is no warehouse at/);
  });
});

describe('what cannot be compared', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE base AS SELECT i AS id, 1 + i % 7 AS a, repeat(md5(i::text), 8) AS t FROM generate_series(1, 300000) i;
      CREATE VIEW shares AS SELECT id, 100 / a AS share, t FROM base;
      CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 10)`);
    await sync(database, { includeViews: true });
    await database.client.query('UPDATE base SET a = 0 WHERE id IN (1, 2)');
  });
  afterAll(() => database.drop());

  // DuckDB closed under a running statement blocks the main thread for ever.
  it('ends when the source fails while the warehouse still adds up, without rows that nobody counted', async () => {
    let adding = 0;
    const spy = jest.spyOn(WarehouseTable.prototype, 'total').mockImplementation(async function (this: WarehouseTable) {
      adding += 1;
      const groups = await this.groups(0).finally(() => (adding -= 1));
      return groups.get(0) ?? { rows: 0, high: 0n, low: 0n };
    });
    const settings = { includeViews: true, tableFilters: ['shares', 'small'] };
    const report = await verify(database, {}, settings).finally(() => spy.mockRestore());
    expect(adding).toBe(0);
    const tables = new Map(report.tables.map((table) => [table.key, table]));
    expect(tables.get('public.small')?.outcome).toBe('equal');
    expect(tables.get('public.shares')).toMatchObject({ outcome: 'failed', sourceRows: null, warehouseRows: null });
    expect(tables.get('public.shares')?.error?.describe()).toContain('division by zero');
    expect(renderVerification(report, undefined).join('\n')).toMatch(/public\.shares \|\s+– \|\s+– \| failed/);
  });

  it('ends when it is interrupted while the warehouse adds up', async () => {
    const stop = new AbortController();
    const spy = jest.spyOn(WarehouseTable.prototype, 'total').mockImplementation(async function (this: WarehouseTable) {
      const groups = this.groups(0);
      stop.abort();
      return (await groups).get(0) ?? { rows: 0, high: 0n, low: 0n };
    });
    try {
      await expect(
        verify(database, { signal: stop.signal }, { includeViews: true, tableFilters: ['base'] }),
      ).rejects.toMatchObject({ kind: 'interrupted' });
    } finally {
      spy.mockRestore();
    }
  });
});
