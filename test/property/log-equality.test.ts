/**
 * Whatever happens to tables between syncs in mode log: each sync leaves the warehouse equal to what was committed when it
 * began, and the last one equal to the source. More runs: PGSLUICE_PROPERTY_RUNS; the same again: PGSLUICE_PROPERTY_SEED
 * and PGSLUICE_PROPERTY_PATH.
 */
import * as fc from 'fast-check';
import { runVerify } from '../../src/app/verify-run';
import { compareTable, same, withWarehouse } from '../helpers/compare';
import { dropSlot, setUpLog, startLogServer } from '../helpers/log-server';
import { createDatabase, serverMajor, type PostgresServer, type TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';
import { sync } from '../integration/sync';
import { TYPES_SQL, typeWithValues } from './random-tables';
import { LATE_IDS, LateTransactions, stepOf, type Step } from './steps';

const RUNS = Number(process.env['PGSLUICE_PROPERTY_RUNS'] ?? 12);
const SEED = Number(process.env['PGSLUICE_PROPERTY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PATH = process.env['PGSLUICE_PROPERTY_PATH'];
const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

let server: PostgresServer;
beforeAll(async () => {
  server = await startLogServer();
});
afterAll(async () => {
  await server.close();
});

/** Table t, to which u refers: whole rows in the log, partitions, keys behind long values. Table w has no key. */
const SHAPES = [
  'CREATE TABLE t (id int PRIMARY KEY, v text)',
  'CREATE TABLE t (v text, id bigint, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id))',
  'CREATE TABLE t (v text, id numeric PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY FULL',
  `CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
   CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (MINVALUE) TO (150); CREATE TABLE t_high PARTITION OF t DEFAULT`,
] as const;
const OTHERS = `
  CREATE TABLE u (w text, id bigint PRIMARY KEY REFERENCES t (id) ON UPDATE CASCADE ON DELETE CASCADE);
  CREATE TABLE w (id int, v text); ALTER TABLE w REPLICA IDENTITY FULL; INSERT INTO w SELECT g % 50, 'w' FROM generate_series(1, 80) g`;
const NAMES = ['t', 'u', 'w'] as const;

/** One thing that happens; `n` chooses rows. */
const STATEMENTS: readonly ((n: number) => string)[] = [
  (n) =>
    `INSERT INTO t (id, v) SELECT g, 'new' FROM generate_series(${400 + n * 10}, ${410 + n * 10}) g ON CONFLICT (id) DO UPDATE SET v = 'again'`,
  (n) => `UPDATE t SET v = v || '!' WHERE id % ${n + 2} = 0`,
  (n) => `UPDATE t SET v = repeat(md5(id::text), 200) WHERE id % ${n + 7} = 1`,
  (n) => `UPDATE t SET id = 1000000 + id WHERE id = ${n} AND NOT EXISTS (SELECT FROM t x WHERE x.id = 1000000 + t.id)`,
  (n) =>
    `BEGIN; UPDATE t SET id = 2000000 + id WHERE id = ${n}; UPDATE t SET id = id - 2000000 WHERE id = 2000000 + ${n}; COMMIT`,
  (n) => `DELETE FROM t WHERE id % ${n + 5} = 2`,
  (n) => `UPDATE t SET x = o.x FROM others o WHERE t.id % ${n + 2} = 1`,
  (n) =>
    `DELETE FROM t WHERE id = ${n}; INSERT INTO t (id, v) SELECT ${n}, 'again' WHERE NOT EXISTS (SELECT FROM t WHERE id = ${n})`,
  () => 'TRUNCATE t CASCADE',
  (n) =>
    `BEGIN; TRUNCATE t CASCADE; INSERT INTO t (id, v) SELECT g, 'filled' FROM generate_series(1, ${n * 10}) g; COMMIT`,
  (n) =>
    `BEGIN; INSERT INTO t (id, v) VALUES (${500_000 + n}, 'rolled back'); DELETE FROM t WHERE id BETWEEN 0 AND 4; ROLLBACK`,
  (n) =>
    `BEGIN; SAVEPOINT a; UPDATE t SET v = 'undone' WHERE id % 3 = 0; ROLLBACK TO a; UPDATE t SET v = 'kept' WHERE id % ${n + 4} = 0; SAVEPOINT b; DELETE FROM t WHERE id % 11 = 5; RELEASE b; COMMIT`,
  (n) =>
    `BEGIN; UPDATE t SET v = 'before' WHERE id = ${n}; ALTER TABLE t ADD COLUMN c${n} int DEFAULT 7; UPDATE t SET c${n} = 8 WHERE id = ${n + 1}; COMMIT; ALTER TABLE t DROP COLUMN c${n}`,
  (n) =>
    `SELECT pg_logical_emit_message(true, 'others', '${n}'); INSERT INTO u (id) SELECT id FROM t WHERE id BETWEEN 0 AND ${n} ON CONFLICT DO NOTHING`,
  (n) => `DELETE FROM u WHERE id < ${n}; UPDATE u SET w = 'x' WHERE id % 2 = 0`,
  (n) =>
    `BEGIN; UPDATE t SET v = 'prepared' WHERE id % ${n + 9} = 0; DELETE FROM t WHERE id = ${n + 2}; PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'`,
  (n) =>
    `INSERT INTO w VALUES (${n}, 'w'), (${n}, NULL); UPDATE w SET v = v || '!' WHERE id = ${n + 1}; DELETE FROM w WHERE id = ${n + 2}`,
  () => 'VACUUM FULL t',
  () => 'VACUUM FREEZE t',
];

const step = stepOf(STATEMENTS.length, 3);

async function syncAndCompare(database: TestDatabase, batch: number | undefined): Promise<void> {
  expect((await sync(database, { syncMode: 'log', customBatchSize: batch })).failures).toEqual({});
  for (const name of NAMES) {
    const { rows } = await database.client.query<{ n: number }>(`SELECT count(*)::int AS n FROM public.${name}`);
    const comparison = await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name }),
    );
    expect({ name, ...comparison }).toEqual({ name, ...same(rows[0]?.n ?? -1) });
  }
}

async function verify(database: TestDatabase): Promise<void> {
  const context = { logger: SILENT, show: 0, sample: 1, signal: new AbortController().signal };
  const { tables } = await runVerify(settingsFor(database, { syncMode: 'log' }), context);
  expect(tables.map(({ outcome }) => outcome)).toEqual(NAMES.map(() => 'equal'));
}

async function play(database: TestDatabase, steps: readonly Step[], batch: number | undefined): Promise<void> {
  const insertion = (id: number): string => `INSERT INTO t (id, v) VALUES (${id}, 'late') ON CONFLICT DO NOTHING`;
  const late = new LateTransactions(database, insertion, true);
  try {
    for (const each of steps) {
      if (each.kind === 'sync') {
        await syncAndCompare(database, batch);
        await late.end();
      } else if (each.kind === 'keys') {
        expect((await sync(database, { syncMode: 'log' }, { keysOnly: true })).failures).toEqual({});
      } else if (each.kind === 'late') await late.begin(each.n);
      else if (late.count === 0 || !/TRUNCATE|VACUUM|ALTER/.test(STATEMENTS[each.which]?.(0) ?? '')) {
        for (const statement of (STATEMENTS[each.which]?.(each.n) ?? '').split(/; (?=ALTER TABLE t DROP)/)) {
          if (statement.includes('PREPARE'))
            for (const single of statement.split('; ')) await database.client.query(single);
          else await database.client.query(statement);
        }
      }
    }
  } finally {
    await late.end();
  }
}

it(
  `each sync ends equal (seed ${SEED})`,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SHAPES),
        typeWithValues,
        fc.array(step, { minLength: 4, maxLength: 16 }),
        fc.constantFrom(7, undefined),
        fc.boolean(),
        async (shape, { type, one, other }, steps, batch, viaRoot) => {
          const database = await createDatabase({ server });
          try {
            // A column of any type stands before the key, as in the messages of the log.
            const table = shape.replace('CREATE TABLE t (', `CREATE TABLE t (x ${type} DEFAULT ${one}, `);
            await database.client
              .query(`${TYPES_SQL}; ${table}; ${OTHERS}; CREATE TEMP TABLE others AS SELECT ${other} AS x;
              INSERT INTO t (id, v) SELECT g, 'value ' || g FROM generate_series(1, 300) g;
              INSERT INTO t (id, v) SELECT g, 'in time' FROM unnest(ARRAY[${LATE_IDS.join(', ')}]) g`);
            await setUpLog(database);
            if (serverMajor() >= 13) {
              // A transaction that does not fit into it is decoded from the server's disk.
              await database.client.query(`ALTER DATABASE ${database.name} SET logical_decoding_work_mem = '64kB'`);
              if (viaRoot)
                await database.client.query('ALTER PUBLICATION pgsluice SET (publish_via_partition_root = true)');
            }
            await syncAndCompare(database, batch);
            await play(database, steps, batch);
            await syncAndCompare(database, batch);
            await verify(database);
          } finally {
            await dropSlot(database);
            await database.drop();
          }
        },
      ),
      { numRuns: RUNS, seed: SEED, ...(PATH === undefined ? {} : { path: PATH }), endOnFailure: true },
    );
  },
  RUNS * 30_000,
);
