/** The cursor path, whatever a driver makes of the first rows: short values first, long ones later, every one exact. */
import { Session } from '../../../src/postgres/connection/session';
import { compareTable, same, withWarehouse } from '../../helpers/compare';
import { withDatabase } from '../../helpers/postgres';
import { sync } from '../sync';

/** Types whose texts have no fixed length, with an expression of a long value. */
const LONG: Readonly<Record<string, string>> = {
  text: `repeat('é\\\\x', 5000)`,
  varchar: `repeat('v', 9000)`,
  'varchar(9000)': `repeat('w', 9000)`,
  'character(2000)': `repeat('c', 2000)`,
  bytea: `decode(repeat('00ff', 4000), 'hex')`,
  numeric: `repeat('7', 2000)::numeric`,
  'bit varying': `repeat('10', 4000)::varbit`,
  'int4[]': `ARRAY(SELECT generate_series(1, 2000))`,
  'text[]': `ARRAY(SELECT 'element ' || n FROM generate_series(1, 900) n)`,
  json: `to_json(ARRAY(SELECT generate_series(1, 3000)))`,
  jsonb: `to_jsonb(ARRAY(SELECT generate_series(1, 3000)))`,
  xml: `('<a>' || repeat('b', 9000) || '</a>')::xml`,
  tsvector: `to_tsvector('simple', (SELECT string_agg('w' || n, ' ') FROM generate_series(1, 900) n))`,
  path: `('(' || (SELECT string_agg('(' || n || ',1)', ',') FROM generate_series(1, 900) n) || ')')::path`,
};
const SHORT: Readonly<Record<string, string>> = {
  bytea: `'\\x01'`,
  numeric: '1',
  'bit varying': `'1'`,
  'int4[]': `'{1}'`,
  'text[]': `'{a}'`,
  json: `'1'`,
  jsonb: `'1'`,
  xml: `'<a/>'`,
  path: `'((1,2))'`,
};

test('a view whose first rows are short and whose later ones are long; no statement begins with a comment', async () => {
  await withDatabase(async (database) => {
    const types = Object.entries(LONG);
    const values = types.map(
      ([type, long], index) =>
        `(CASE WHEN i > 120 THEN ${long} ELSE ${SHORT[type] ?? `'a'`} END)::${type} AS c${index}`,
    );
    await database.client.query(
      `CREATE TABLE held AS SELECT i AS id, ${values.join(', ')} FROM generate_series(1, 200) i;
       CREATE VIEW later AS SELECT * FROM held ORDER BY id`,
    );
    // With one, psqlODBC takes a statement for no SELECT, and holds the whole result in memory.
    const spy = jest.spyOn(Session.prototype, 'query');
    let statements: readonly string[] = [];
    try {
      expect((await sync(database, { includeViews: true })).failures).toEqual({});
      statements = spy.mock.calls.map(([sql]) => sql);
    } finally {
      spy.mockRestore();
    }
    expect(statements.filter((sql) => /^\s*(--|\/\*)/.test(sql))).toEqual([]);
    expect(statements.filter((sql) => /^FETCH \d+ FROM/.test(sql)).length).toBeGreaterThan(1);
    await withWarehouse(database, async (warehouse) => {
      for (const name of ['later', 'held'])
        expect(await compareTable(database.client, warehouse, { schema: 'public', name })).toEqual(same(200));
    });
  });
});
