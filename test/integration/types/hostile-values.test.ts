import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

const CONTROL = Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1));

/** What a packed cell is made of, what SQL, CSV and shells treat specially, and what Unicode makes hard. */
const HOSTILE: readonly (string | null)[] = [
  // First, so that a whole packed cell begins with it: decoders like to drop it there.
  '\ufeff',
  null,
  '',
  ' ',
  ' both ends ',
  ...CONTROL,
  CONTROL.join(''),
  '\u007f\u0080\u0085\u009f\u00a0',
  '\u001d\u001d',
  '\u001f\u001f\u001f',
  'before\u001fafter',
  '\u001dat its start',
  'at its end\u001d',
  'at its end\u001f',
  '\u001b0',
  '\u001b1',
  '\u001b2',
  '\u001b\u001b1\u001f\u001d2',
  '\\x1d',
  '\\x1f',
  '\\N',
  'NULL',
  'null',
  '"',
  "'",
  "''",
  `"it's"`,
  '\\',
  '\\\\',
  "\\'",
  '$1',
  '$$',
  '?',
  '%s',
  '{}',
  '{"a": 1}',
  "');--",
  'two\nlines',
  'two\r\nlines',
  '\n',
  '\r',
  '\t',
  'a\tb',
  'é',
  'e\u0301',
  'İı',
  '😀👨‍👩‍👧🏳️‍🌈',
  '\u{10ffff}',
  '\ufeffx',
  '\ufffd',
  '\u2028\u2029',
  '\u202eright to left',
  '日本語',
  'x'.repeat(20_000),
  '😀\u001f'.repeat(2_000),
];

describe('hostile values', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
    const { client } = database;
    await client.query(`
      CREATE EXTENSION postgres_fdw;
      CREATE TYPE pair AS (first text, second int);
      CREATE TABLE hostile (
        id int PRIMARY KEY, free text, short varchar(80000), fixed char(12), needed text NOT NULL,
        number int, only_null text, only_null_number int, empty_or_null text, tree jsonb, source json, list text[], twin pair, bytes bytea, page xml);
      CREATE TABLE hostile_without_key (free text, other text, number int);
      CREATE TABLE hostile_key (key text, part text, value text, PRIMARY KEY (key, part));
    `);
    const n = HOSTILE.length;
    const at = (index: number): string | null => HOSTILE[index % n] ?? null;
    for (let id = 0; id < n * 2; id += 1) {
      const free = at(id);
      const other = at(id * 7 + 3);
      await client.query(
        `INSERT INTO hostile VALUES ($1, $2::text, $3, $4, $5, $6::int, NULL, NULL, $7, $8, $9, $10, ROW($2, $6)::pair, convert_to($2::text, 'UTF8'), $11)`,
        [
          id,
          free,
          other,
          id % 3 === 0 ? null : (free ?? '').slice(0, 5),
          other ?? 'was null',
          id % 4 === 0 ? null : id,
          id % 2 === 0 ? '' : null,
          free === null ? null : JSON.stringify({ [free]: [other] }),
          JSON.stringify([free, other]),
          [free, other, ''],
          id % 5 === 0 ? null : '<a b="&#9;">\n<!-- x --></a>',
        ],
      );
      await client.query('INSERT INTO hostile_without_key VALUES ($1, $2, $3)', [
        free,
        other,
        id % 4 === 0 ? null : id,
      ]);
      await client.query('INSERT INTO hostile_key VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
        free ?? 'null',
        other ?? 'null',
        at(id + 1),
      ]);
    }
    await client.query(`
      INSERT INTO hostile_without_key SELECT NULL, NULL, NULL FROM generate_series(1, 20);
      INSERT INTO hostile SELECT 100000 + i, NULL, NULL, NULL, '', NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL FROM generate_series(1, 50) i;
      CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw
        OPTIONS (host '${database.host}', port '${database.port}', dbname '${database.name}');
      CREATE USER MAPPING FOR CURRENT_USER SERVER loopback
        OPTIONS (user '${database.user}', password ${client.escapeLiteral(database.password)});
      CREATE SCHEMA far;
      IMPORT FOREIGN SCHEMA public LIMIT TO (hostile, hostile_without_key) FROM SERVER loopback INTO far;
      ANALYZE;
    `);
  });
  afterAll(() => database.drop());

  const TABLES = [
    { schema: 'public', name: 'hostile' },
    { schema: 'public', name: 'hostile_without_key' },
    { schema: 'public', name: 'hostile_key' },
    // Foreign tables have no ctid to read by: these come through a cursor.
    { schema: 'far', name: 'hostile' },
    { schema: 'far', name: 'hostile_without_key' },
  ];

  test.each([
    { batchRows: 1, batchBytes: 8 * 1024 * 1024, tableFilters: ['*.hostile_without_key'] },
    { batchRows: 7, batchBytes: 8 * 1024 * 1024, tableFilters: [] },
    { batchRows: 5_000, batchBytes: 8 * 1024 * 1024, tableFilters: [] },
    { batchRows: 5_000, batchBytes: 2_000, tableFilters: [] },
  ])('arrive as they are in batches of $batchRows rows and $batchBytes bytes', async (options) => {
    const { batchRows: customBatchSize, ...settings } = options;
    const { failures, lines } = await sync(database, { customBatchSize, ...settings });
    expect(failures).toEqual({});
    expect(lines.filter((line) => /^(WARNING|SEVERE)/.test(line))).toEqual([]);
    await withWarehouse(database, async (warehouse) => {
      for (const table of TABLES) {
        if (settings.tableFilters.length > 0 && table.name !== 'hostile_without_key') continue;
        const comparison = await compareTable(database.client, warehouse, table);
        expect({ ...table, ...comparison }).toEqual({ ...table, ...same(comparison.rows) });
        expect(comparison.rows).toBeGreaterThanOrEqual(HOSTILE.length);
      }
    });
  });

  test('NULL and the empty string stay apart, as does text that looks like the NULL marker', async () => {
    await sync(database);
    await withWarehouse(database, async (warehouse) => {
      const counts = async (where: string): Promise<unknown[][]> =>
        await warehouse.rows(`SELECT count(*) FROM tester.source_public_hostile_without_key WHERE ${where}`);
      const expected = async (where: string): Promise<unknown[][]> => {
        const { rows } = await database.client.query<{ n: string }>(
          `SELECT count(*) AS n FROM hostile_without_key WHERE ${where}`,
        );
        return rows.map(({ n }) => [BigInt(n)]);
      };
      for (const where of [
        'free IS NULL',
        "free = ''",
        'free = chr(29)',
        "free = '\\x1d'",
        'free IS NULL AND number IS NULL',
      ])
        expect(await counts(where)).toEqual(await expected(where));
      expect(await counts('free = chr(29)')).not.toEqual([[0n]]);
    });
  });
});
