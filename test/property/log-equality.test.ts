/**
 * Whatever happens to tables between syncs in mode log: each sync leaves the warehouse equal to what was committed when it
 * began, and the last one equal to the source. More runs: PGSLUICE_PROPERTY_RUNS; the same again: PGSLUICE_PROPERTY_SEED
 * and PGSLUICE_PROPERTY_PATH.
 */
import * as fc from 'fast-check';
import type { Client } from 'pg';
import { compareTable, same, withWarehouse } from '../helpers/compare';
import { dropSlot, setUpLog, startLogServer } from '../helpers/log-server';
import { createDatabase, serverMajor, type PostgresServer, type TestDatabase } from '../helpers/postgres';
import { sync } from '../integration/sync';
import { stepOf, type Step } from './steps';

const RUNS = Number(process.env['PGSLUICE_PROPERTY_RUNS'] ?? 12);
const SEED = Number(process.env['PGSLUICE_PROPERTY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PATH = process.env['PGSLUICE_PROPERTY_PATH'];

let server: PostgresServer;
beforeAll(async () => {
  server = await startLogServer();
});
afterAll(async () => {
  await server.close();
});

/** Tables t and u, of which u refers to t; whole rows in the log, partitions, keys behind long values. */
const SHAPES = [
  'CREATE TABLE t (id int PRIMARY KEY, v text)',
  'CREATE TABLE t (v text, id bigint, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id))',
  'CREATE TABLE t (v text, id numeric PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY FULL',
  `CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
   CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (MINVALUE) TO (150); CREATE TABLE t_high PARTITION OF t DEFAULT`,
] as const;

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
  (n) =>
    `DELETE FROM t WHERE id = ${n}; INSERT INTO t (id, v) SELECT ${n}, 'again' WHERE NOT EXISTS (SELECT FROM t WHERE id = ${n})`,
  () => 'TRUNCATE t CASCADE',
  (n) =>
    `BEGIN; TRUNCATE t CASCADE; INSERT INTO t (id, v) SELECT g, 'filled' FROM generate_series(1, ${n * 10}) g; COMMIT`,
  (n) => `BEGIN; INSERT INTO t (id, v) VALUES (${500_000 + n}, 'rolled back'); DELETE FROM t WHERE id < 5; ROLLBACK`,
  (n) =>
    `BEGIN; SAVEPOINT a; UPDATE t SET v = 'undone' WHERE id % 3 = 0; ROLLBACK TO a; UPDATE t SET v = 'kept' WHERE id % ${n + 4} = 0; SAVEPOINT b; DELETE FROM t WHERE id % 11 = 5; RELEASE b; COMMIT`,
  (n) =>
    `BEGIN; UPDATE t SET v = 'before' WHERE id = ${n}; ALTER TABLE t ADD COLUMN c${n} int DEFAULT 7; UPDATE t SET c${n} = 8 WHERE id = ${n + 1}; COMMIT; ALTER TABLE t DROP COLUMN c${n}`,
  (n) =>
    `SELECT pg_logical_emit_message(true, 'others', '${n}'); INSERT INTO u SELECT id FROM t WHERE id < ${n} ON CONFLICT DO NOTHING`,
  (n) => `DELETE FROM u WHERE id < ${n}; UPDATE u SET w = 'x' WHERE id % 2 = 0`,
  (n) =>
    `BEGIN; UPDATE t SET v = 'prepared' WHERE id % ${n + 9} = 0; DELETE FROM t WHERE id = ${n + 2}; PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'`,
  () => 'VACUUM FULL t',
  () => 'VACUUM FREEZE t',
];

const step = stepOf(STATEMENTS.length, 3);

async function syncAndCompare(database: TestDatabase, batch: number | undefined): Promise<void> {
  expect((await sync(database, { syncMode: 'log', customBatchSize: batch })).failures).toEqual({});
  for (const name of ['t', 'u']) {
    const { rows } = await database.client.query<{ n: number }>(`SELECT count(*)::int AS n FROM public.${name}`);
    const comparison = await withWarehouse(database, (warehouse) =>
      compareTable(database.client, warehouse, { schema: 'public', name }),
    );
    expect({ name, ...comparison }).toEqual({ name, ...same(rows[0]?.n ?? -1) });
  }
}

async function play(database: TestDatabase, steps: readonly Step[], batch: number | undefined): Promise<void> {
  const late: Client[] = [];
  const end = async (): Promise<void> => {
    for (const client of late.splice(0)) {
      await client.query('COMMIT');
      await client.end();
    }
  };
  try {
    for (const each of steps) {
      if (each.kind === 'sync') {
        await syncAndCompare(database, batch);
        await end();
      } else if (each.kind === 'late') {
        // Rows of its own: it must not wait for another one, nor another for it.
        const client = await database.connect();
        late.push(client);
        const id = 700_000 + late.length * 100 + each.n;
        await client.query(`BEGIN; INSERT INTO t (id, v) VALUES (${id}, 'late') ON CONFLICT DO NOTHING`);
      } else if (late.length === 0 || !/TRUNCATE|VACUUM|ALTER/.test(STATEMENTS[each.which]?.(0) ?? '')) {
        for (const statement of (STATEMENTS[each.which]?.(each.n) ?? '').split(/; (?=ALTER TABLE t DROP)/)) {
          if (statement.includes('PREPARE'))
            for (const single of statement.split('; ')) await database.client.query(single);
          else await database.client.query(statement);
        }
      }
    }
  } finally {
    await end();
  }
}

it(
  `each sync ends equal (seed ${SEED})`,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SHAPES),
        fc.array(step, { minLength: 4, maxLength: 16 }),
        fc.constantFrom(7, undefined),
        fc.boolean(),
        async (shape, steps, batch, viaRoot) => {
          const database = await createDatabase({ server });
          try {
            await database.client.query(`${shape};
              CREATE TABLE u (id numeric PRIMARY KEY, w text); INSERT INTO t (id, v) SELECT g, 'value ' || g FROM generate_series(1, 300) g`);
            await setUpLog(database);
            if (viaRoot && serverMajor() >= 13)
              await database.client.query('ALTER PUBLICATION pgsluice SET (publish_via_partition_root = true)');
            await syncAndCompare(database, batch);
            await play(database, steps, batch);
            await syncAndCompare(database, batch);
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
