import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

const MODULES: readonly [what: string, text: string | undefined, message: RegExp][] = [
  ['that is not there', undefined, /rules.* cannot be loaded: /],
  ['with a syntax error', 'export default {', /cannot be loaded: /],
  [
    'with a rule without name',
    'export default { transformations: [{ matches: () => true }] }',
    /without "name" or "matches"/,
  ],
  ['that says nothing', 'export const transformation = []', /exports neither "transformations" nor "includeTable"/],
  [
    'with a rule that does nothing',
    `export default { transformations: [{ name: 'r', matches: () => true, colums: () => ({}) }] }`,
    /"r" with none of "columns", "where" and "batch"/,
  ],
  ['with a choice that is no function', 'export default { includeTable: true }', /"includeTable" that is no function/],
  [
    'whose choice throws',
    `export default { includeTable: () => { throw new Error('my own fault'); } }`,
    /has an "includeTable" that failed: my own fault/,
  ],
  ['whose list is none', 'export default { transformations: 7 }', /"transformations"/],
];

/** Each rule for a table of its own, `bad_0` and so on. */
const RULES: readonly (readonly [what: string, rule: string, message: RegExp])[] = [
  [
    'names a column that is not there',
    `columns: (sql) => ({ v: sql.text('nope') })`,
    /"bad" names column "nope", which public\.bad_0 does not have/,
  ],
  ['rewrites a column that is not there', `columns: () => ({ nope: "'x'" })`, /"bad" rewrites column "nope"/],
  ['writes SQL that does not parse', `where: () => 'this is no SQL'`, /syntax error/],
  [
    'throws',
    `batch: () => { throw new Error('my own fault.'); }`,
    /^The transformation "bad" failed: my own fault\. Correct/,
  ],
  [
    'throws over its SQL',
    `where: () => { throw 'my own fault'; }`,
    /^The transformation "bad" failed: my own fault\. Correct/,
  ],
  ['returns a promise', `batch: async () => ({})`, /"bad" returned a promise/],
  [
    'returns flags that are none',
    `batch: () => ({ keep: [1] })`,
    /"bad" returned a "keep" flag that is neither true nor false/,
  ],
  ['returns what nobody asked for', `batch: () => ({ drop: [true] })`, /"bad" returned "drop"/],
  ['returns too few values', `batch: () => ({ columns: { v: [] } })`, /returned 0 values of column "v" for 1 row/],
  ['returns too few flags', `batch: () => ({ keep: [] })`, /returned 0 "keep" flags for 1 row/],
  ['returns a number', `batch: () => ({ columns: { v: [5] } })`, /"bad" returned .*column "v"/],
  [
    'cuts a surrogate pair in two',
    `batch: () => ({ columns: { v: ['\\ud83d'] } })`,
    /"bad" returned a text in column "v" that is not Unicode/,
  ],
  ['returns nothing', `batch: () => undefined`, /"bad" returned/],
  ...[
    ['n', '1.5'],
    ['n', ' 1 '],
    ['d', '1.005'],
    ['d', '1e-3'],
    ['day', '2020-01-01 10:00:00'],
    ['at', '2020-01-01 10:00:00.1234567'],
    ['at', '2020-01-01 10:00:00+02'],
    ['zoned', '2020-01-01 10:00:00.1234567+00'],
    ['bin', 'ff'],
  ].map(([column, text]): readonly [string, string, RegExp] => [
    `returns ${text} for ${column}`,
    `batch: () => ({ columns: { ${column}: ['${text}'] } })`,
    new RegExp(`"bad" returned a text in column "${column}" that its type \\w+ would alter or refuse\\. Correct`),
  ]),
];

describe("mistakes in a user's module", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    await database.client.query(`
      CREATE TABLE people (id int PRIMARY KEY, name text); INSERT INTO people SELECT i, 'Name ' || i FROM generate_series(1, 100) i;
      DO $$ BEGIN FOR i IN 0 .. ${RULES.length - 1} LOOP
        EXECUTE format('CREATE TABLE bad_%s (id int PRIMARY KEY, v text, n int, d numeric(10,2), day date, at timestamp, zoned timestamptz, bin bytea);
          INSERT INTO bad_%1$s VALUES (1, %L)', i, 'v');
      END LOOP; END $$; ANALYZE`);
  });
  afterAll(() => database.drop());

  let modules = 0;
  function moduleFile(text: string): string {
    modules += 1;
    // Another name each time: a module is loaded once.
    const path = join(database.folder, `rules-${modules}.mjs`);
    writeFileSync(path, text);
    return path;
  }

  test.each(MODULES)('a module %s stops the sync with one sentence', async (_, text, message) => {
    const transformations = text === undefined ? join(database.folder, 'rules-not-there.mjs') : moduleFile(text);
    const failure: unknown = await sync(database, { transformations }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ConnectorError', kind: 'configuration' });
    expect((failure as Error).message).toMatch(message);
    expect((failure as Error).message).not.toContain('\n');
  });

  describe('a rule that goes wrong fails its table alone, and says how', () => {
    let failures: Readonly<Record<string, string>>;
    beforeAll(async () => {
      const rules = RULES.map(
        ([, rule], index) => `{ name: 'bad', matches: (table) => table.name === 'bad_${index}', ${rule} }`,
      );
      const transformations = moduleFile(`export default { transformations: [${rules.join(',\n')}] }`);
      ({ failures } = await sync(database, { transformations, maxRetries: 2 }));
    });

    test.each(RULES.map(([what, , message], index) => ({ what, message, key: `public.bad_${index}` })))(
      'it $what',
      ({ key, message }) => {
        expect(failures[key]).toMatch(message);
      },
    );

    test('the other table is synced', async () => {
      expect(Object.keys(failures)).toHaveLength(RULES.length);
      await withWarehouse(database, async (warehouse) => {
        expect(await compareTable(database.client, warehouse, { schema: 'public', name: 'people' })).toEqual(same(100));
      });
    });
  });
});

test("another table's refused batch costs a table that waits for its first rows nothing but an attempt", async () => {
  const database = await createDatabase();
  writeFileSync(
    join(database.folder, 'rules.mjs'),
    `export default { transformations: [{ name: 'r', matches: ({ name }) => name === 'refused', batch: () => ({ columns: { n: ['none'] } }) }] }`,
  );
  // Begun by the time that "quick" is committed; what is refused comes next, and the first slow row last.
  await database.client.query(`
    CREATE TABLE quick (id int PRIMARY KEY); INSERT INTO quick VALUES (1);
    CREATE VIEW refused AS SELECT 1 AS id, length(pg_sleep(1.5)::text) AS n;
    CREATE VIEW slow AS SELECT id, length(pg_sleep(0.5)::text) AS n FROM generate_series(1, 7) AS id`);
  const { failures, lines } = await sync(database, {
    includeViews: true,
    transformations: join(database.folder, 'rules.mjs'),
    customThreads: 3,
  });
  expect(Object.keys(failures)).toEqual(['public.refused']);
  expect(lines.join('\n')).not.toContain('No load of');
  await withWarehouse(database, async (warehouse) => {
    expect(await warehouse.rows('SELECT count(*), sum(id) FROM tester.source_public_slow')).toEqual([[7n, 28n]]);
  });
  await database.drop();
});
