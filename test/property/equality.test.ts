/**
 * Whatever happens to a table between syncs, and however the syncs look for changes: when nobody writes any more, one
 * more sync makes the warehouse equal to what `SELECT … FROM` the table gives, with no option. More runs:
 * PGSLUICE_PROPERTY_RUNS; the same again: PGSLUICE_PROPERTY_SEED and PGSLUICE_PROPERTY_PATH.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Client } from 'pg';
import { runVerify } from '../../src/app/verify-run';
import type { Settings } from '../../src/config/settings';
import { compareTable, same, withWarehouse, type ComparedTable } from '../helpers/compare';
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';
import { sync } from '../integration/sync';
import { typeWithValues, TYPES_SQL, type TypeWithValues } from './random-tables';
import { LATE_IDS, LateTransactions, stepOf, type Step } from './steps';

const RUNS = Number(process.env['PGSLUICE_PROPERTY_RUNS'] ?? 12);
const SEED = Number(process.env['PGSLUICE_PROPERTY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PATH = process.env['PGSLUICE_PROPERTY_PATH'];
const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

/** What a table's rows are told apart by, and an index that decides whether updates are HOT. */
const SHAPES = [
  'id int PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT now()',
  'id bigint PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT now(), UNIQUE (id, v)',
  'id int, v text, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (updated_at, id)',
  'id numeric PRIMARY KEY, v text, updated_at timestamptz NOT NULL DEFAULT now()',
  'id int, v text, updated_at timestamptz NOT NULL DEFAULT now()',
] as const;

/** One thing that happens to the table; `n` chooses rows. */
const STATEMENTS: readonly ((n: number) => string)[] = [
  (n) =>
    `INSERT INTO t SELECT g, 'new ' || g FROM generate_series(${10_000 + n * 50}, ${10_000 + n * 50 + n}) g ON CONFLICT DO NOTHING`,
  (n) => `INSERT INTO t (id, v, updated_at) VALUES (${-100 - n}, 'of long ago', '2001-01-01') ON CONFLICT DO NOTHING`,
  (n) => `UPDATE t SET v = v || '!' WHERE id % ${n + 2} = 0`,
  (n) => `UPDATE t SET v = 'later', updated_at = now() WHERE id % ${n + 3} = 1`,
  (n) =>
    `UPDATE t SET id = -1000000 - id WHERE id = ${n} AND NOT EXISTS (SELECT FROM t x WHERE x.id = -1000000 - t.id)`,
  (n) => `DELETE FROM t WHERE id % ${n + 5} = 2`,
  () => 'TRUNCATE t',
  (n) =>
    `BEGIN; INSERT INTO t (id, v) VALUES (${500_000 + n}, 'rolled back'); DELETE FROM t WHERE id BETWEEN 0 AND 4; ROLLBACK`,
  (n) =>
    `BEGIN; SAVEPOINT a; UPDATE t SET v = 'undone' WHERE id % 3 = 0; ROLLBACK TO a; UPDATE t SET v = 'kept' WHERE id % ${n + 4} = 0; SAVEPOINT b; DELETE FROM t WHERE id % 11 = 5; RELEASE b; COMMIT`,
  (n) => `UPDATE t SET x1 = o.x1, x2 = o.x2 FROM others o WHERE t.id % ${n + 2} = 1`,
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
  // Between the first sync and the last; the last one proves, as each does by default.
  reconcileEvery: fc.constantFrom(undefined, undefined, 0, 3),
});

/** A rule that rewrites a column and leaves rows out, some of them only once they have changed; and the same for the source. */
const RULE = `export default { transformations: [{ name: 'shouting', matches: () => true,
  columns: (sql) => ({ v: 'upper(' + sql.text('v') + ')' }), where: (sql) => sql.text('v') + " NOT LIKE '%!!%'" }] };`;
const RULED = { where: `v NOT LIKE '%!!%'`, replaced: { v: 'upper(v)' } };

async function create(client: Client, shape: string, added: readonly TypeWithValues[]): Promise<void> {
  const defined = added.map(({ type, one }, i) => `x${i + 1} ${type} DEFAULT ${one}`);
  const others = added.map(({ other }, i) => `${other} AS x${i + 1}`);
  await client.query(`${TYPES_SQL}; CREATE TABLE t (${shape}, ${defined.join(', ')}); CREATE INDEX ON t (updated_at);
    ALTER TABLE t SET (fillfactor = 50); CREATE TEMP TABLE others AS SELECT ${others.join(', ')};
    INSERT INTO t SELECT g, 'value ' || g, now() - interval '1 day' FROM generate_series(1, 300) g;
    INSERT INTO t SELECT g, 'in time', now() - interval '1 day' FROM unnest(ARRAY[${LATE_IDS.join(', ')}]) g; ANALYZE t`);
}

async function play(database: TestDatabase, steps: readonly Step[], settings: Partial<Settings>): Promise<void> {
  const late = new LateTransactions(
    database,
    (id) =>
      `INSERT INTO t (id, v, updated_at) VALUES (${id}, 'late', now() - interval '1 hour') ON CONFLICT DO NOTHING`,
  );
  try {
    for (const each of steps) {
      if (each.kind === 'sync' || each.kind === 'keys') {
        expect((await sync(database, settings, { keysOnly: each.kind === 'keys' })).failures).toEqual({});
        await late.end();
      } else if (each.kind === 'late') await late.begin(each.n);
      else if (late.count === 0 || !/TRUNCATE|VACUUM/.test(STATEMENTS[each.which]?.(0) ?? '')) {
        const sql = STATEMENTS[each.which]?.(each.n) ?? '';
        for (const statement of sql.startsWith('BEGIN') ? [sql] : sql.split('; '))
          await database.client.query(statement);
      }
    }
  } finally {
    await late.end();
  }
}

/** By a comparison without the product's code, and by the product's own. */
async function expectEqual(database: TestDatabase, settings: Partial<Settings>): Promise<void> {
  const table: ComparedTable = {
    schema: 'public',
    name: 't',
    ...(settings.transformations === undefined ? {} : RULED),
  };
  const { rows } = await database.client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM public.t WHERE ${table.where ?? true}`,
  );
  const comparison = await withWarehouse(database, (warehouse) => compareTable(database.client, warehouse, table));
  expect(comparison).toEqual(same(rows[0]?.n ?? -1));
  const { tables } = await runVerify(settingsFor(database, settings), {
    logger: SILENT,
    show: 0,
    sample: 1,
    signal: new AbortController().signal,
  });
  expect(tables.map(({ outcome }) => outcome)).toEqual(['equal']);
}

describe('whatever happens between syncs', () => {
  let compared = 0;

  it(
    `the last one ends equal (seed ${SEED})`,
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...SHAPES),
          fc.tuple(typeWithValues, typeWithValues),
          fc.array(step, { minLength: 3, maxLength: 14 }),
          ways,
          fc.boolean(),
          async (shape, added, steps, way, ruled) => {
            const database = await createDatabase();
            try {
              const transformations = join(database.folder, 'rule.mjs');
              writeFileSync(transformations, RULE);
              const settings: Partial<Settings> = ruled ? { ...way, transformations } : way;
              await create(database.client, shape, added);
              const first = await sync(database, settings);
              expect(first.failures).toEqual({});
              // Else another mode would be what is tested.
              if (way.syncMode === 'timestamp' && shape.includes('PRIMARY KEY'))
                expect(first.report.tables).toMatchObject([{ mode: 'timestamp' }]);
              await play(database, steps, settings);
              expect((await sync(database, { ...settings, reconcileEvery: undefined })).failures).toEqual({});
              await expectEqual(database, settings);
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
