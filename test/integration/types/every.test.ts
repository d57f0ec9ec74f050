import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

/** Types that exist in pg_type and can be in no table, or take no value from anybody. */
const WITHOUT_VALUES = new Set([
  'gtsvector',
  'pg_brin_bloom_summary',
  'pg_brin_minmax_multi_summary',
  'pg_dependencies',
  'pg_mcv_list',
  'pg_ndistinct',
  'pg_node_tree',
]);

/** One value of each type that is not written like a number. */
const SAMPLES: Readonly<Record<string, string>> = {
  aclitem: 'postgres=r/postgres',
  bit: '1',
  bool: 't',
  box: '(3,4),(1,2)',
  bytea: '\\x001f',
  char: 'c',
  cidr: '10.0.0.0/8',
  circle: '<(1,2),3>',
  date: '0044-03-15 BC',
  inet: '::1/64',
  interval: '1 mon -2 days 03:00:00.5',
  json: '{"a": [1]}',
  jsonb: '{"a": [1]}',
  jsonpath: '$."a"',
  line: '{1,2,3}',
  lseg: '[(1,2),(3,4)]',
  macaddr: '08:00:2b:01:02:03',
  macaddr8: '08:00:2b:01:02:03:04:05',
  numeric: '-1.50',
  path: '[(1,2)]',
  pg_lsn: '1/2',
  pg_snapshot: '1:2:',
  point: '(1,2)',
  polygon: '((1,2))',
  regclass: 'pg_class',
  regcollation: '"C"',
  regconfig: 'english',
  regdatabase: 'postgres',
  regdictionary: 'simple',
  regnamespace: 'pg_catalog',
  regoper: '||/',
  regoperator: '*(integer,integer)',
  regproc: 'now',
  regprocedure: 'sum(integer)',
  regrole: 'postgres',
  regtype: 'integer',
  text: '\u001f',
  tid: '(1,2)',
  time: '24:00:00',
  timestamp: '0044-03-15 10:00:00 BC',
  timestamptz: '10000-01-01 00:00:00.000001+00',
  timetz: '12:00:00+01',
  tsquery: "'a' & 'b'",
  tsvector: "'a':1",
  txid_snapshot: '1:2:',
  uuid: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  varbit: '101',
  xml: '<a/>',
};
const RANGES: Readonly<Record<string, string>> = {
  daterange: '[2024-01-01,2024-01-02)',
  tsrange: '["2024-01-01 00:00:00",)',
  tstzrange: '["2024-01-01 00:00:00+00",)',
};
const RANGE = '[1,5)';

/** Every type of pg_catalog, of whatever version the server is, alone, in arrays, and under a domain. */
describe('every type in pg_type', () => {
  let database: TestDatabase;
  let types: string[];
  beforeAll(async () => {
    database = await createDatabase();
    const { client } = database;
    const { rows } = await client.query<{ typname: string; typtype: string }>(
      `SELECT typname, typtype FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typrelid = 0
         AND typtype IN ('b', 'r', 'm') AND NOT (typcategory = 'A' AND typname ~ '^_')
       ORDER BY typname`,
    );
    types = rows.map((row) => row.typname).filter((name) => !WITHOUT_VALUES.has(name));
    for (const { typname: name, typtype: kind } of rows) {
      if (WITHOUT_VALUES.has(name)) continue;
      const value = client.escapeLiteral(sampleOf(name, kind));
      const type = `pg_catalog.${client.escapeIdentifier(name)}`;
      await client.query(`
        CREATE DOMAIN "dom_${name}" AS ${type};
        CREATE TABLE "every_${name}" (id int PRIMARY KEY, alone ${type}, list ${type}[], grid ${type}[][], below "dom_${name}",
          many "dom_${name}"[]);
        INSERT INTO "every_${name}" VALUES (1, ${value}, ARRAY[${value}, NULL]::${type}[], ARRAY[[${value}], [${value}]]::${type}[], ${value},
          ARRAY[${value}, NULL]::"dom_${name}"[]);
        INSERT INTO "every_${name}" VALUES (2, NULL, NULL, NULL, NULL, NULL), (3, ${value}, '{}', '{}', NULL, '{}')`);
    }
    const outcome = await sync(database);
    expect(outcome.failures).toEqual({});
  });
  afterAll(() => database.drop());

  it('arrives, alone, in arrays with NULL, in grids, and under domains', async () => {
    await withWarehouse(database, async (warehouse) => {
      const wrong: unknown[] = [];
      for (const name of types) {
        const compared = await compareTable(database.client, warehouse, {
          schema: 'public',
          name: `every_${name}`,
          ...(name.endsWith('multirange')
            ? { replaced: { alone: multirangeJson('alone'), below: multirangeJson('below') } }
            : {}),
        });
        if (JSON.stringify(compared) !== JSON.stringify(same(3))) wrong.push({ name, ...compared });
      }
      expect(wrong).toEqual([]);
    });
    expect(types.length).toBeGreaterThan(55);
  });
});

function sampleOf(name: string, kind: string): string {
  if (kind === 'r') return RANGES[name] ?? RANGE;
  if (kind === 'm') return `{${RANGES[name.replace('multi', '')] ?? RANGE}}`;
  return SAMPLES[name] ?? '1';
}

function multirangeJson(column: string): string {
  return `(SELECT json_agg(json_build_object('start_value', lower(r)::text, 'end_value', upper(r)::text,
     'start_bound', left(r::text, 1), 'end_bound', right(r::text, 1))) FROM unnest(${column}) AS r)`;
}
