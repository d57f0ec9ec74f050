/**
 * What a sync costs, counted rather than timed, so that it means the same on every machine: statements,
 * cells and characters through ODBC, statements in DuckDB, JavaScript memory allocated. Speed was lost
 * when one of these grows with the rows faster than before; raise a limit only for a reason.
 */
import { Session } from 'node:inspector';
import { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import * as driver from '../../../src/postgres/connection/odbc-driver';
import { createDatabase, startServer, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

/** Everything that came through ODBC. */
const wire = { statements: 0, batches: 0, planned: 0, cells: 0, characters: 0 };

jest.mock('../../../src/postgres/connection/odbc-driver', () => {
  const actual = jest.requireActual<typeof driver>('../../../src/postgres/connection/odbc-driver');
  return {
    ...actual,
    openOdbcConnection: async (...parameters: Parameters<typeof actual.openOdbcConnection>) => {
      const connection = await actual.openOdbcConnection(...parameters);
      const query = connection.query.bind(connection);
      // In place, since the connection has a getter that a copy would freeze.
      return Object.assign(connection, {
        query: async (sql: string, bufferBytes?: number) => {
          const rows = await query(sql, bufferBytes);
          wire.statements += 1;
          // The first packed column.
          if (rows[0] !== undefined && 'c0' in rows[0]) {
            wire.batches += 1;
            if (!sql.startsWith('EXECUTE ')) wire.planned += 1;
          }
          for (const cell of rows.flatMap((row) => Object.values(row))) {
            wire.cells += 1;
            wire.characters += typeof cell === 'string' ? cell.length : 0;
          }
          return rows;
        },
      });
    },
  };
});

interface Cost {
  readonly rows: number;
  /** As the observer was told: characters of packed text. */
  readonly bytes: number;
  readonly wire: typeof wire;
  /** Statements that the server ran, and the rows that they returned. */
  readonly server: { readonly calls: number; readonly rows: number };
  readonly prepared: number;
  readonly executed: number;
  readonly allocatedBytes: number;
}

let server: PostgresServer;
let database: TestDatabase;

// A server of its own: the counters of pg_stat_statements are one set for a whole server.
beforeAll(async () => {
  server = await startServer();
  database = await createDatabase({ server });
  await database.client.query('CREATE EXTENSION pg_stat_statements');
  // Memory that loading the libraries allocates belongs to no row.
  await createSales('first', 100);
  await costOf({ tableFilters: ['public.first'], warehousePath: `${database.folder}/first.db` });
});
afterAll(async () => {
  await database.drop();
  await server.close();
});
afterEach(() => jest.restoreAllMocks());

async function costOf(settings: Parameters<typeof sync>[1] = {}): Promise<Cost> {
  const prepare = jest.spyOn(DuckDBConnection.prototype, 'prepare');
  const run = [
    jest.spyOn(DuckDBConnection.prototype, 'run'),
    jest.spyOn(DuckDBConnection.prototype, 'runAndReadAll'),
    jest.spyOn(DuckDBPreparedStatement.prototype, 'run'),
  ];
  Object.assign(wire, { statements: 0, batches: 0, planned: 0, cells: 0, characters: 0 });
  await database.client.query('SELECT pg_stat_statements_reset()');
  let bytes = 0;
  const { result, allocatedBytes } = await allocations(() =>
    sync(database, settings, { observer: { rowsWritten: (_table, _rows, size) => void (bytes += size) } }),
  );
  expect(result.failures).toEqual({});
  const { rows } = await database.client.query<{ calls: number; rows: number }>(
    `SELECT sum(calls)::int AS calls, sum(rows)::int AS rows FROM pg_stat_statements
     WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query !~ 'pg_stat_statements'`,
  );
  const cost = {
    rows: result.report.rows,
    bytes,
    wire: { ...wire },
    server: rows[0] ?? { calls: 0, rows: 0 },
    prepared: prepare.mock.calls.length,
    executed: run.reduce((sum, spy) => sum + spy.mock.calls.length, 0),
    allocatedBytes,
  };
  jest.restoreAllMocks();
  return cost;
}

/** JavaScript memory that `action` allocated, what was freed meanwhile included; sampled, so within a few percent. */
async function allocations<T>(action: () => Promise<T>): Promise<{ result: T; allocatedBytes: number }> {
  const session = new Session();
  session.connect();
  try {
    // Calls of a session in the same thread are answered before they return.
    session.post('HeapProfiler.startSampling', {
      samplingInterval: 16_384,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    } as object);
    const result = await action();
    let allocatedBytes = 0;
    session.post('HeapProfiler.stopSampling', (_error, { profile }) => {
      const { samples } = profile as unknown as { samples: readonly { readonly size: number }[] };
      allocatedBytes = samples.reduce((sum, sample) => sum + sample.size, 0);
    });
    return { result, allocatedBytes };
  } finally {
    session.disconnect();
  }
}

const COLUMNS = 11;

async function createSales(name: string, rows: number): Promise<number> {
  await database.client.query(`
    CREATE TABLE public.${name} AS
      SELECT i AS id, 'region ' || i % 5 AS region, i * 7 AS customer, timestamp '2024-01-01' + i * interval '13 s' AS created_at,
             (i % 1000000 / 100.0)::numeric(10,2) AS amount, 'status ' || i % 4 AS status, 'note number ' || i AS note,
             i % 3 = 0 AS paid, i / 7.0::float8 AS score, timestamptz '2024-01-01 00:00Z' + i * interval '17 s' AS updated_at,
             jsonb_build_object('k', i) AS attrs
      FROM generate_series(1, ${rows}) AS i;
    ALTER TABLE public.${name} ADD PRIMARY KEY (id)`);
  await database.client.query(`VACUUM (ANALYZE) public.${name}`);
  const { rows: sums } = await database.client.query<{ characters: number }>(
    // Two moments and a float travel as 16 digits each, two integers as 8.
    `SELECT sum(length(concat_ws(' ', region, amount, status, note, paid::text, attrs)) + 1 + 3 * 16 + 2 * 8)::int AS characters
     FROM public.${name}`,
  );
  return sums[0]?.characters ?? 0;
}

/** Cost of the rows alone: what every sync costs is in both, and taken away. */
function perThousandRows(less: Cost, more: Cost, cost: (it: Cost) => number): number {
  return (cost(more) - cost(less)) / ((more.rows - less.rows) / 1000);
}

test('each further 1,000 rows cost few statements and cells, their text once, and little memory', async () => {
  const characters = (await createSales('larger', 120_000)) - (await createSales('smaller', 20_000));
  const less = await costOf({ tableFilters: ['public.smaller'], warehousePath: `${database.folder}/less.db` });
  const more = await costOf({ tableFilters: ['public.larger'], warehousePath: `${database.folder}/more.db` });
  expect([less.rows, more.rows]).toEqual([20_000, 120_000]);
  const each = (cost: (it: Cost) => number): number => perThousandRows(less, more, cost);

  // Batches of 5,000 rows, a few of them shorter; further readers come and go with a few statements each.
  expect(each((it) => it.wire.batches)).toBeLessThan(0.35);
  // All but the first of each reader are executions of a statement that was prepared in the same round trip.
  expect(more.wire.batches).toBeGreaterThan(20);
  expect(more.wire.planned).toBeLessThanOrEqual(4);
  expect(each((it) => it.server.calls)).toBeLessThan(0.6);
  expect(each((it) => it.wire.statements)).toBeLessThan(0.6);
  // A cell a column and batch rather than 11,000, at most four that prove the batch, and what joining a snapshot returns.
  expect(each((it) => it.wire.cells)).toBeLessThan(0.35 * (COLUMNS + 4) + 0.25 * 4);
  // Nothing is read twice, and nothing travels beside the values and their separators.
  expect(each((it) => it.wire.characters)).toBeGreaterThan(characters / 100 - 1);
  expect(each((it) => it.wire.characters)).toBeLessThan((characters / 100) * 1.02);
  // One execution a batch. Preparing again each time would plan each time.
  expect(each((it) => it.executed)).toBeLessThan(0.35);
  expect(each((it) => it.prepared)).toBeLessThan(0.05);
  // The cells once, and a little: no value becomes a JavaScript value of its own.
  // The lesser of two: what else the process does on a busy machine allocates as well.
  const again = await costOf({ tableFilters: ['public.larger'], warehousePath: `${database.folder}/again.db` });
  const allocated = Math.min(more.allocatedBytes, again.allocatedBytes) - less.allocatedBytes;
  expect(allocated / ((more.rows - less.rows) / 1000)).toBeLessThan((characters / 100) * 1.5);
});

// PostgreSQL gathers all of what an EXECUTE returns before it sends any of it.
test('batches of long values are not executions of a prepared statement, once that is seen', async () => {
  await database.client.query(`
    CREATE TABLE public.long AS SELECT i AS id, (SELECT string_agg(md5(i || '-' || j), '') FROM generate_series(1, 1000) j) AS t
      FROM generate_series(1, 600) AS i;
    ALTER TABLE public.long ADD PRIMARY KEY (id)`);
  await database.client.query('VACUUM (ANALYZE) public.long');
  const { wire: it } = await costOf({ tableFilters: ['public.long'], warehousePath: `${database.folder}/long.db` });
  expect(it.batches).toBeGreaterThan(3);
  expect(it.planned).toBeGreaterThan(it.batches / 2);
});

test('a reader has the server keep its memory once, and only where it has read enough', async () => {
  const made = async (table: string): Promise<number> => {
    await costOf({ tableFilters: [`public.${table}`], warehousePath: `${database.folder}/kept-${table}.db` });
    const { rows } = await database.client.query<{ calls: number }>(
      `SELECT coalesce(sum(calls), 0)::int AS calls FROM pg_stat_statements WHERE query ~ 'pg_catalog.repeat'`,
    );
    return rows[0]?.calls ?? NaN;
  };
  await database.client.query(`
    CREATE TABLE public.much AS SELECT i AS id, repeat(md5(i::text), 40) AS t FROM generate_series(1, 30000) AS i;
    CREATE TABLE public.little AS TABLE public.much LIMIT 3000`);
  await database.client.query('VACUUM (ANALYZE) public.much, public.little');
  // 38 MB, by up to four readers.
  const times = await made('much');
  expect(times).toBeGreaterThanOrEqual(1);
  expect(times).toBeLessThanOrEqual(4);
  expect(await made('little')).toBe(0);
});

test('a sync after few changes reads those rows, whatever the size of the table', async () => {
  await createSales('changing', 50_000);
  const settings = {
    tableFilters: ['public.changing'],
    syncMode: 'auto',
    warehousePath: `${database.folder}/changing.db`,
  } as const;
  const full = await costOf(settings);
  await database.client.query(`UPDATE public.changing SET status = 'changed' WHERE id % 100 = 0`);
  const changed = await costOf(settings);
  expect(changed.bytes).toBeLessThan(full.bytes * 0.02);
  expect(changed.wire.characters).toBeLessThan(full.wire.characters * 0.05);
  expect(changed.server.calls).toBeLessThanOrEqual(full.server.calls + 5);
  // Ranges in which hardly a row changed are long.
  expect(changed.wire.batches).toBeLessThanOrEqual(full.wire.batches / 2);
});

test('a further small table costs a statement or two on the server and a handful in DuckDB', async () => {
  const create = async (from: number, to: number): Promise<void> => {
    await database.client.query(`DO $$ BEGIN FOR i IN ${from} .. ${to} LOOP
      EXECUTE format('CREATE TABLE public.small_%s AS SELECT j AS id, ''name '' || j AS name FROM generate_series(1, 10) AS j', i);
      EXECUTE format('ALTER TABLE public.small_%s ADD PRIMARY KEY (id)', i); END LOOP; END $$`);
    await database.client.query('ANALYZE');
  };
  await create(1, 10);
  const few = await costOf({ tableFilters: ['public.small_*'], warehousePath: `${database.folder}/few.db` });
  await create(11, 60);
  const many = await costOf({ tableFilters: ['public.small_*'], warehousePath: `${database.folder}/many.db` });
  expect([few.rows, many.rows]).toEqual([100, 600]);
  const each = (cost: (it: Cost) => number): number => (cost(many) - cost(few)) / 50;
  expect(each((it) => it.server.calls)).toBeLessThanOrEqual(2.1);
  expect(each((it) => it.executed)).toBeLessThanOrEqual(12);
});
