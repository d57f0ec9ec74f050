/**
 * Whatever happens to a table between syncs, and however the syncs look for changes: when nobody writes any more, one
 * more sync makes the warehouse equal to what `SELECT … FROM` the table gives, with no option. More runs:
 * PGSLUICE_PROPERTY_RUNS; the same again: PGSLUICE_PROPERTY_SEED and PGSLUICE_PROPERTY_PATH.
 */
import * as fc from 'fast-check';
import type { Client } from 'pg';
import { runVerify } from '../../src/app/verify-run';
import type { Settings } from '../../src/config/settings';
import { compareTable, same, withWarehouse } from '../helpers/compare';
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';
import { sync } from '../integration/sync';
import { stepOf, type Step } from './steps';

const RUNS = Number(process.env['PGSLUICE_PROPERTY_RUNS'] ?? 12);
const SEED = Number(process.env['PGSLUICE_PROPERTY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PATH = process.env['PGSLUICE_PROPERTY_PATH'];
const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

/** What a table's rows are told apart by, and an index that decides whether updates are HOT. */
const SHAPES = [
  'id int PRIMARY KEY, v text, at timestamptz NOT NULL DEFAULT now()',
  'id bigint PRIMARY KEY, v text, at timestamptz NOT NULL DEFAULT now(), UNIQUE (id, v)',
  'id int, v text, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (at, id)',
  'id numeric PRIMARY KEY, v text, at timestamptz NOT NULL DEFAULT now()',
  'id int, v text, at timestamptz NOT NULL DEFAULT now()',
] as const;

/** One thing that happens to the table; `n` chooses rows. */
const STATEMENTS: readonly ((n: number) => string)[] = [
  (n) =>
    `INSERT INTO t SELECT g, 'new ' || g FROM generate_series(${10_000 + n * 50}, ${10_000 + n * 50 + n}) g ON CONFLICT DO NOTHING`,
  (n) => `INSERT INTO t (id, v, at) VALUES (${-100 - n}, 'of long ago', '2001-01-01') ON CONFLICT DO NOTHING`,
  (n) => `UPDATE t SET v = v || '!' WHERE id % ${n + 2} = 0`,
  (n) => `UPDATE t SET v = 'later', at = now() WHERE id % ${n + 3} = 1`,
  (n) =>
    `UPDATE t SET id = -1000000 - id WHERE id = ${n} AND NOT EXISTS (SELECT FROM t x WHERE x.id = -1000000 - t.id)`,
  (n) => `DELETE FROM t WHERE id % ${n + 5} = 2`,
  () => 'TRUNCATE t',
  (n) => `BEGIN; INSERT INTO t (id, v) VALUES (${500_000 + n}, 'rolled back'); DELETE FROM t WHERE id < 5; ROLLBACK`,
  (n) =>
    `BEGIN; SAVEPOINT a; UPDATE t SET v = 'undone' WHERE id % 3 = 0; ROLLBACK TO a; UPDATE t SET v = 'kept' WHERE id % ${n + 4} = 0; SAVEPOINT b; DELETE FROM t WHERE id % 11 = 5; RELEASE b; COMMIT`,
  () => 'VACUUM FREEZE t',
  () => 'VACUUM FULL t',
  (n) =>
    `DELETE FROM t WHERE id = ${n}; INSERT INTO t (id, v) SELECT ${n}, 'again' WHERE NOT EXISTS (SELECT FROM t WHERE id = ${n})`,
  (n) => `BEGIN; TRUNCATE t; INSERT INTO t (id, v) SELECT g, 'filled' FROM generate_series(1, ${n * 10}) g; COMMIT`,
];

const step = stepOf(STATEMENTS.length, 2);

const ways: fc.Arbitrary<Partial<Settings>> = fc.record({
  syncMode: fc.constantFrom('auto' as const, 'xmin' as const, 'timestamp' as const, 'full' as const),
  customBatchSize: fc.constantFrom(7, 100, undefined),
  customThreads: fc.constantFrom(1, 3),
});

async function play(database: TestDatabase, steps: readonly Step[], settings: Partial<Settings>): Promise<void> {
  const late: Client[] = [];
  try {
    for (const each of steps) {
      if (each.kind === 'sync') {
        expect((await sync(database, settings)).failures).toEqual({});
        for (const client of late.splice(0)) {
          await client.query('COMMIT');
          await client.end();
        }
      } else if (each.kind === 'late') {
        const client = await database.connect();
        late.push(client);
        // Rows of its own: it must not wait for another one, nor another for it.
        await client.query(
          `BEGIN; INSERT INTO t (id, v, at) VALUES (${700_000 + late.length * 100 + each.n}, 'late', now() - interval '1 hour') ON CONFLICT DO NOTHING`,
        );
      } else if (late.length === 0 || !/TRUNCATE|VACUUM/.test(STATEMENTS[each.which]?.(0) ?? '')) {
        const sql = STATEMENTS[each.which]?.(each.n) ?? '';
        for (const statement of sql.startsWith('BEGIN') ? [sql] : sql.split('; '))
          await database.client.query(statement);
      }
    }
  } finally {
    for (const client of late) {
      await client.query('COMMIT');
      await client.end();
    }
  }
}

describe('whatever happens between syncs', () => {
  let compared = 0;

  it(
    `the last one ends equal (seed ${SEED})`,
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...SHAPES),
          fc.array(step, { minLength: 3, maxLength: 14 }),
          ways,
          async (shape, steps, way) => {
            const database = await createDatabase();
            try {
              await database.client
                .query(`CREATE TABLE t (${shape}); CREATE INDEX ON t (at); ALTER TABLE t SET (fillfactor = 50);
              INSERT INTO t SELECT g, 'value ' || g, now() - interval '1 day' FROM generate_series(1, 300) g; ANALYZE t`);
              expect((await sync(database, way)).failures).toEqual({});
              await play(database, steps, way);
              expect((await sync(database, way)).failures).toEqual({});
              const { rows } = await database.client.query<{ n: number }>('SELECT count(*)::int AS n FROM public.t');
              const comparison = await withWarehouse(database, (warehouse) =>
                compareTable(database.client, warehouse, { schema: 'public', name: 't' }),
              );
              expect(comparison).toEqual(same(rows[0]?.n ?? -1));
              const { tables } = await runVerify(settingsFor(database, way), {
                logger: SILENT,
                show: 0,
                sample: 1,
                signal: new AbortController().signal,
              });
              expect(tables.map(({ outcome }) => outcome)).toEqual(['equal']);
              compared += 1;
            } finally {
              await database.drop();
            }
          },
        ),
        { numRuns: RUNS, seed: SEED, ...(PATH === undefined ? {} : { path: PATH }), endOnFailure: true },
      );
      expect(compared).toBeGreaterThan(0);
    },
    RUNS * 20_000,
  );
});
