/** People who work in the warehouse may do there what they like: it costs nothing but the table it was done to. */
import { runVerify } from '../../../src/app/verify-run';
import { withWarehouse } from '../../helpers/compare';
import { changeWarehouse as changed } from '../../helpers/warehouse-access';
import { createDatabase, rangesMissing, withRanges, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE z (id int PRIMARY KEY, x numeric, s text, moment timestamp); INSERT INTO z SELECT i, i, 'text ' || i, now() FROM generate_series(1, 3000) i;
    CREATE TABLE other (id int PRIMARY KEY, v int); INSERT INTO other SELECT i, i FROM generate_series(1, 20) i; ANALYZE`);
});
afterEach(() => database.drop());

const rows = (sql: string): Promise<unknown[][]> => withWarehouse(database, (warehouse) => warehouse.rows(sql));

const changeWarehouse = (...statements: readonly string[]): Promise<void> => changed(database, ...statements);

/** Rows that are not marked deleted; further columns of the warehouse do not count. */
async function expectSame(...names: string[]): Promise<void> {
  const { tables } = await runVerify(settingsFor(database, { tableFilters: names }), {
    logger: SILENT,
    signal: new AbortController().signal,
    show: 5,
    sample: 1,
  });
  expect(tables.map(({ key, outcome, problem }) => [key, problem ?? outcome]).sort()).toEqual(
    names.map((name) => [`public.${name}`, 'equal']).sort(),
  );
}

const CHANGES = { syncMode: 'xmin', customBatchSize: 500, customThreads: 1 } as const;
const INDEXES = "SELECT index_name, sql FROM duckdb_indexes() WHERE schema_name = 'tester' ORDER BY 1";

describe('indexes that users have made', () => {
  const wanted = [
    ['by_id', 'CREATE UNIQUE INDEX by_id ON tester.source_public_z(id);'],
    ['more', 'CREATE INDEX more ON tester.source_public_z(((x + 1)));'],
    ['pair', 'CREATE INDEX pair ON tester.source_public_z(s, x);'],
  ];
  const make = (): Promise<void> => changeWarehouse(...wanted.map(([, sql]) => String(sql)));

  test('stay when a column needs another type, in the middle of a pass over changes too', async () => {
    await sync(database, CHANGES);
    await make();
    await database.client.query(`
      UPDATE z SET s = 'new' WHERE id < 1500; UPDATE z SET x = 1.5 WHERE id = 2000; UPDATE z SET x = 0.125 WHERE id = 2900;
      UPDATE other SET v = 0`);
    expect((await sync(database, CHANGES)).failures).toEqual({});
    await expectSame('z', 'other');
    expect(await rows(INDEXES)).toEqual(wanted);
    // What was altered and indexed in one transaction can be changed in the next, and replayed.
    await database.client.query(`UPDATE z SET x = 'NaN' WHERE id = 1; DELETE FROM z WHERE id > 2990`);
    expect((await sync(database, { ...CHANGES, reconcileEvery: 1 })).failures).toEqual({});
    await expectSame('z');
    // x + 1 is nothing that a text has.
    expect((await rows(INDEXES)).map(([name]) => name)).toEqual(['by_id', 'pair']);
  });

  test('stay with a full load, and so do views and a primary key', async () => {
    await sync(database);
    await make();
    await changeWarehouse(
      'CREATE VIEW tester.sums AS SELECT count(*) AS n, sum(x) AS x FROM tester.source_public_z',
      'CREATE VIEW everything AS SELECT * FROM tester.source_public_other',
      'ALTER TABLE tester.source_public_other ADD PRIMARY KEY (id)',
    );
    await database.client.query(`
      UPDATE z SET x = 2.25 WHERE id = 7; DELETE FROM other WHERE id = 3; ALTER TABLE other ADD COLUMN more int DEFAULT 4`);
    expect((await sync(database)).failures).toEqual({});
    await expectSame('z', 'other');
    expect(await rows(INDEXES)).toEqual(wanted);
    expect(await rows('SELECT CAST(n AS INT), CAST(x AS DOUBLE) FROM tester.sums')).toEqual([[3000, 4501495.25]]);
    expect(await rows('SELECT count(more)::INT FROM everything')).toEqual([[19]]);
    expect(
      await rows("SELECT constraint_text FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"),
    ).toEqual([['PRIMARY KEY(id)']]);
  });

  // Before version 14 both modes read tables whole.
  withRanges(test).each([
    ['full', 'CREATE UNIQUE INDEX one ON tester.source_public_z(s)', 'The index one', []],
    [
      'xmin',
      'CREATE UNIQUE INDEX one ON tester.source_public_z(s, ((id * 0)))',
      'The index one',
      // DuckDB may refuse the insert itself, or leave the violation to be looked for.
      ['(?:the index one|an index or key) does not allow the new rows'],
    ],
    [
      'xmin',
      'ALTER TABLE tester.source_public_z ADD PRIMARY KEY (s)',
      'The primary key',
      ['an index or key does not allow the new rows'],
    ],
  ] as const)(
    'go with a warning where the new rows do not allow them: %s, %s',
    async (syncMode, sql, what, reasons) => {
      await sync(database, { syncMode });
      await changeWarehouse(sql);
      await database.client.query(`UPDATE z SET s = 'twice' WHERE id < 3`);
      const { failures, lines } = await sync(database, { syncMode });
      expect(failures).toEqual({});
      expect(lines.filter((line) => line.startsWith('WARNING'))).toEqual([
        ...reasons.map(
          (reason) =>
            expect.stringMatching(
              new RegExp(
                `^WARNING The table source_public_z of the warehouse was altered there: ${reason}; public\\.z is loaded from the start\\.$`,
              ),
            ) as string,
        ),
        expect.stringMatching(
          new RegExp(
            `^WARNING ${what} of tester.source_public_z in the warehouse is gone: Two of the new rows .* It was: `,
          ),
        ),
      ]);
      expect(lines.join('\n')).not.toContain('twice');
      await expectSame('z', 'other');
      expect(await rows(INDEXES)).toEqual([]);
    },
  );

  test('that are unique and hold are kept, also where a value moves from one row to another', async () => {
    await sync(database, CHANGES);
    await changeWarehouse('CREATE UNIQUE INDEX one ON tester.source_public_z(s)');
    await database.client.query(`
      DELETE FROM z WHERE id = 2000; UPDATE z SET s = 'moved' || id WHERE id < 20; UPDATE z SET s = 'text 5' WHERE id = 6;
      UPDATE z SET x = 0.5 WHERE id = 100`);
    expect((await sync(database, CHANGES)).failures).toEqual({});
    expect((await rows(INDEXES)).map(([name]) => name)).toEqual(['one']);
    await sync(database, { ...CHANGES, reconcileEvery: 1 });
    await expectSame('z');
    expect((await rows(INDEXES)).map(([name]) => name)).toEqual(['one']);
  });

  test('on a description of the source keep it from growing, and nothing else', async () => {
    await sync(database);
    await changeWarehouse('CREATE UNIQUE INDEX one ON tester.postgres_table(table_name)');
    const { failures, lines } = await sync(database, { metadataHistory: 'every-sync' });
    expect(failures).toEqual({});
    expect(lines.filter((line) => line.startsWith('WARNING'))).toEqual([
      'WARNING Nothing is added to postgres_table: The table postgres_table of the warehouse was altered there: a unique index or a key does not let it grow. Rename or drop that table.',
    ]);
  });
});

describe.each(rangesMissing() === undefined ? (['full', 'xmin'] as const) : (['full'] as const))(
  'in mode %s, a table that was altered there',
  (syncMode) => {
    test.each([
      ['lacks a column', 'ALTER TABLE tester.source_public_z DROP COLUMN s', 'it lacks column s'],
      ['lacks its key', 'ALTER TABLE tester.source_public_z DROP COLUMN id', 'it lacks column id'],
      [
        'lacks a mark',
        'ALTER TABLE tester.source_public_z DROP COLUMN _fivetran_deleted',
        'it lacks column _fivetran_deleted',
      ],
      ['has a renamed column', 'ALTER TABLE tester.source_public_z RENAME s TO t', 'it lacks column s'],
      [
        'has a narrower type',
        'ALTER TABLE tester.source_public_z ALTER moment TYPE DATE',
        'its column moment is DATE, and was TIMESTAMP',
      ],
      [
        'has a column that is never NULL',
        'ALTER TABLE tester.source_public_z ADD COLUMN mine INT DEFAULT 3; ALTER TABLE tester.source_public_z ALTER mine SET NOT NULL',
        'its column mine demands a value',
      ],
      [
        'has a column without values',
        `ALTER TABLE tester.source_public_z ADD COLUMN mine INT DEFAULT 3; ALTER TABLE tester.source_public_z ALTER mine SET NOT NULL; ALTER TABLE tester.source_public_z ALTER mine DROP DEFAULT`,
        'its column mine demands a value',
      ],
      ['has a further column', 'ALTER TABLE tester.source_public_z ADD COLUMN mine INT DEFAULT 3', undefined],
      [
        'has a column of a nested type',
        `ALTER TABLE tester.source_public_z ADD COLUMN mine STRUCT(a INT)[]`,
        undefined,
      ],
    ])('%s: it is loaded anew, and the others are synced', async (_what, sql, expected) => {
      await sync(database, { syncMode });
      await changeWarehouse(...sql.split('; '));
      await database.client.query(
        `UPDATE z SET s = 'new' WHERE id = 1; DELETE FROM z WHERE id = 2; UPDATE other SET v = 0`,
      );
      const { failures, lines } = await sync(database, { syncMode, reconcileEvery: 1 });
      expect(failures).toEqual({});
      const warnings = lines.filter((line) => line.startsWith('WARNING'));
      expect(warnings).toEqual(
        expected === undefined || syncMode === 'full'
          ? []
          : [
              `WARNING The table source_public_z of the warehouse was altered there: ${expected}; public.z is loaded from the start.`,
            ],
      );
      await expectSame('z', 'other');
    });

    test('lacks its mark of deleted rows, and nothing has changed in the source: it is loaded anew', async () => {
      await sync(database, { syncMode });
      await changeWarehouse('ALTER TABLE tester.source_public_z DROP COLUMN _fivetran_deleted');
      expect((await sync(database, { syncMode })).failures).toEqual({});
      await expectSame('z', 'other');
    });

    test('is a view now: it fails by name, the view stays, and the others are synced', async () => {
      await sync(database, { syncMode });
      await changeWarehouse(
        'ALTER TABLE tester.source_public_z RENAME TO mine',
        'CREATE VIEW tester.source_public_z AS FROM tester.mine',
      );
      await database.client.query(`UPDATE z SET s = 'new' WHERE id = 1; UPDATE other SET v = 0`);
      const { failures } = await sync(database, { syncMode });
      expect(failures).toEqual({
        'public.z':
          "The warehouse has a view tester.source_public_z in the place of public.z's table. Drop or rename the view, and sync again.",
      });
      await expectSame('other');
    });

    test('has a foreign key of another: it fails by name, and the others are synced', async () => {
      await sync(database, { syncMode });
      await changeWarehouse(
        'ALTER TABLE tester.source_public_z ADD PRIMARY KEY (id)',
        'USE warehouse.tester',
        'CREATE TABLE mine (id INT REFERENCES source_public_z(id)); INSERT INTO mine VALUES (5)',
      );
      await database.client.query(`UPDATE z SET x = 1.5 WHERE id = 1; UPDATE other SET v = 0`);
      const { failures } = await sync(database, { syncMode });
      expect(Object.keys(failures)).toEqual(['public.z']);
      expect(failures['public.z']).toContain('The warehouse refuses a change of the table: ');
      await expectSame('other');
    });
  },
);

test('a description of the source that was altered is left as it is, with a warning', async () => {
  await sync(database);
  await changeWarehouse('ALTER TABLE tester.postgres_table DROP COLUMN table_name');
  await database.client.query('UPDATE other SET v = 0');
  const { failures, lines } = await sync(database, { metadataHistory: 'every-sync' });
  expect(failures).toEqual({});
  expect(lines.filter((line) => line.startsWith('WARNING'))).toEqual([
    'WARNING Nothing is added to postgres_table: The table postgres_table of the warehouse was altered there: it lacks column table_name. Rename or drop that table.',
  ]);
  await expectSame('other', 'z');
});
