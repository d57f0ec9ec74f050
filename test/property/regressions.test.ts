/** What random tables have brought to light, made small. Each line is synced, changed, synced, and compared both times. */
import { runVerify } from '../../src/app/verify-run';
import { withWarehouse } from '../helpers/compare';
import { createDatabase, type TestDatabase } from '../helpers/postgres';
import { settingsFor } from '../helpers/settings';
import { sync } from '../integration/sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };
const TREE = `jsonb_build_object('_fivetran_id', i, 'rowid', i, 'id', 'word', '_fivetran_deleted', 'x')`;

const CASES: readonly (readonly [name: string, before: string, after: string])[] = [
  [
    'JSON columns of the names of aliases, without a key',
    `CREATE TABLE odd (id int, t json, l json, o json, c json, s json, w json);
     INSERT INTO odd SELECT i, v, v, v, v, v, v FROM generate_series(1, 60) i, LATERAL (SELECT ${TREE}::json AS v) x`,
    'DELETE FROM odd WHERE id % 3 = 0; UPDATE odd SET id = -id WHERE id % 7 = 0',
  ],
  [
    'JSON columns of the names of aliases, with a key',
    `CREATE TABLE odd (id int PRIMARY KEY, t jsonb, l jsonb, o jsonb, _pgsluice_t int);
     INSERT INTO odd SELECT i, ${TREE}, ${TREE}, ${TREE}, i FROM generate_series(1, 60) i`,
    `DELETE FROM odd WHERE id % 3 = 0; UPDATE odd SET t = '{"id": 1}' WHERE id % 7 = 0`,
  ],
  [
    'columns with the names of what every object has in JavaScript',
    `CREATE TABLE odd ("toString" text, constructor int, "__proto__" text, "hasOwnProperty" json);
     INSERT INTO odd SELECT 's' || i, i, NULLIF('p', 'p' || i % 2), '{}' FROM generate_series(1, 60) i`,
    'DELETE FROM odd WHERE constructor % 3 = 0; UPDATE odd SET "__proto__" = NULL WHERE constructor % 7 = 0',
  ],
  [
    'a source column called _fivetran_id, and copies of one row, of which some go',
    `CREATE TABLE odd (_fivetran_id text, sync_timestamp numeric); INSERT INTO odd SELECT i % 4, 1.5 FROM generate_series(1, 60) i`,
    'DELETE FROM odd WHERE ctid IN (SELECT ctid FROM odd LIMIT 7); ALTER TABLE odd DROP sync_timestamp',
  ],
  [
    'a numeric key that becomes text, whose fractions are of different lengths',
    `CREATE TABLE odd (n numeric PRIMARY KEY, v text); INSERT INTO odd SELECT i / 3.0, i FROM generate_series(1, 90) i;
     INSERT INTO odd VALUES ('NaN', 'x')`,
    `UPDATE odd SET v = 'changed' WHERE n < 10; UPDATE odd SET n = n::numeric(60,40) WHERE v = '60'; DELETE FROM odd WHERE v = '63'`,
  ],
  [
    'a numeric key that needs a longer fraction later',
    `CREATE TABLE odd (n numeric PRIMARY KEY, v text); INSERT INTO odd SELECT i / 4.0, i FROM generate_series(1, 60) i`,
    `INSERT INTO odd VALUES (0.000000001, 'tiny'); UPDATE odd SET v = 'changed' WHERE n = 5`,
  ],
  [
    'an array as key, once with bounds of its own',
    `CREATE TABLE odd (j int[] PRIMARY KEY, v text); INSERT INTO odd SELECT ARRAY[i], i FROM generate_series(1, 60) i;
     INSERT INTO odd VALUES ('[2:2]={1}', 'bounds'), ('{{1}}', 'grid')`,
    `UPDATE odd SET v = 'changed' WHERE v IN ('1', 'bounds', 'grid')`,
  ],
];

describe.each(['full', 'xmin'] as const)('in mode %s', (syncMode) => {
  it.each(CASES)('%s', async (_, before, after) => {
    const database = await createDatabase();
    try {
      for (const sql of [before, after]) {
        await database.client.query(sql);
        const settings = { syncMode, customBatchSize: 17 };
        const { failures } = await sync(database, settings, { reconcile: true });
        expect(failures).toEqual({});
        const { tables } = await runVerify(settingsFor(database, settings), {
          logger: SILENT,
          signal: new AbortController().signal,
          show: 3,
          sample: 1,
        });
        expect(tables).toMatchObject([{ outcome: 'equal' }]);
        expect(await keysTwice(database)).toEqual([]);
      }
    } finally {
      await database.drop();
    }
  });
});

/** Keys of which a row marked deleted was kept beside the row itself. */
async function keysTwice(database: TestDatabase): Promise<unknown[]> {
  const { rows } = await database.client.query<{ attname: string }>(
    `SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = 'odd'::regclass AND i.indisprimary`,
  );
  const [key] = rows;
  if (key === undefined) return [];
  return await withWarehouse(database, (warehouse) =>
    warehouse.rows(`SELECT ${key.attname} FROM tester.source_public_odd GROUP BY 1 HAVING count(*) > 1`),
  );
}
