import { runVerify } from '../../../src/app/verify-run';
import type { Settings } from '../../../src/config/settings';
import { withWarehouse } from '../../helpers/compare';
import { createDatabase, serverMajor, withClient, testServer, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';

const SILENT = { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined };

/** Table -> `equal`, or what is wrong with it. */
async function verified(database: TestDatabase, settings: Partial<Settings> = {}): Promise<Record<string, string>> {
  const report = await runVerify(settingsFor(database, settings), {
    logger: SILENT,
    signal: new AbortController().signal,
    show: 0,
    sample: 1,
  });
  return Object.fromEntries(
    report.tables.map((it) => [
      it.key,
      it.outcome === 'equal' ? `equal, ${it.sourceRows}` : (it.error?.describe() ?? it.problem ?? it.outcome),
    ]),
  );
}

describe('sources beyond tables', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(() => database.drop());

  it('views are left out, and come with include_views, read whole each time', async () => {
    await database.client.query(`
      CREATE TABLE base (id int PRIMARY KEY, at timestamptz, price numeric);
      INSERT INTO base SELECT i, '2024-01-01'::timestamptz + i * interval '1 day', i / 7.0 FROM generate_series(1, 700) i;
      CREATE VIEW cheap AS SELECT * FROM base WHERE price < 50;
      CREATE VIEW "Per Month" AS SELECT date_trunc('month', at) AS month, sum(price) AS total, E'a\\x1fb' AS odd FROM base GROUP BY 1`);
    expect((await sync(database)).report.tables.map((table) => table.key)).toEqual(['public.base']);
    const settings = { includeViews: true, customBatchSize: 90 };
    expect((await sync(database, settings)).failures).toEqual({});
    expect(await verified(database, settings)).toEqual({
      'public.base': 'equal, 700',
      'public.cheap': 'equal, 349',
      'public.Per Month': 'equal, 24',
    });
    await database.client.query('DELETE FROM base WHERE id < 300; UPDATE base SET price = 1 WHERE id = 700');
    await sync(database, { ...settings, fullResync: ['*'] });
    expect(await verified(database, settings)).toMatchObject({ 'public.cheap': 'equal, 51' });
  });

  it('foreign tables are read through a cursor', async () => {
    const { client, host, port, user, password } = database;
    await client.query(`
      CREATE EXTENSION postgres_fdw; CREATE SCHEMA far;
      CREATE TABLE far.original (id int, at timestamptz, price numeric(8,3), note text);
      INSERT INTO far.original SELECT i, now(), i / 3.0, NULLIF('n' || i, 'n5') FROM generate_series(1, 500) i;
      CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host ${client.escapeLiteral(host)}, port '${port}', dbname ${client.escapeLiteral(database.name)});
      CREATE USER MAPPING FOR CURRENT_USER SERVER itself OPTIONS (user ${client.escapeLiteral(user)}, password ${client.escapeLiteral(password)});
      CREATE FOREIGN TABLE mirror (id int, at timestamptz, price numeric(8,3), note text NOT NULL) SERVER itself OPTIONS (schema_name 'far', table_name 'original')`);
    expect((await sync(database, { customBatchSize: 60 })).failures).toEqual({});
    expect(await verified(database)).toEqual({ 'far.original': 'equal, 500', 'public.mirror': 'equal, 500' });
  });

  it('a table whose chunks inherit from it in an internal schema, as a hypertable has them, is one table', async () => {
    await database.client.query(`
      CREATE TABLE readings (at timestamptz NOT NULL, device int, value float8);
      CREATE SCHEMA _timescaledb_internal;
      CREATE TABLE _timescaledb_internal.chunk_1 (CHECK (at < '2024-02-01')) INHERITS (readings);
      CREATE TABLE _timescaledb_internal.chunk_2 (CHECK (at >= '2024-02-01')) INHERITS (readings);
      INSERT INTO _timescaledb_internal.chunk_1 SELECT '2024-01-01'::timestamptz + i * interval '1 hour', i % 3, i FROM generate_series(1, 300) i;
      INSERT INTO _timescaledb_internal.chunk_2 SELECT '2024-03-01'::timestamptz + i * interval '1 hour', i % 3, i FROM generate_series(1, 200) i`);
    expect((await sync(database)).failures).toEqual({});
    expect(await verified(database)).toEqual({ 'public.readings': 'equal, 500' });
  });

  it('values arrive whole from every kind of TOAST storage', async () => {
    await database.client.query(`
      CREATE TABLE toasted (id int PRIMARY KEY, plain text, external text, extended text, main text, bytes bytea, tree jsonb);
      ALTER TABLE toasted ALTER plain SET STORAGE PLAIN, ALTER external SET STORAGE EXTERNAL, ALTER extended SET STORAGE EXTENDED, ALTER main SET STORAGE MAIN;
      INSERT INTO toasted SELECT i, repeat('p', 50 * (i % 20)), repeat(md5(i::text), i * 40), repeat(md5(i::text), i * 40), repeat('m', i * 40),
        decode(repeat(md5(i::text), i * 10), 'hex'), jsonb_build_object('k', repeat(md5(i::text), i * 20)) FROM generate_series(1, 120) i`);
    expect((await sync(database)).failures).toEqual({});
    expect(await verified(database)).toEqual({ 'public.toasted': 'equal, 120' });
  });

  it('columns that were added with a default and never rewritten have it in every row', async () => {
    await database.client.query(`
      CREATE TABLE grown (id int PRIMARY KEY); INSERT INTO grown SELECT generate_series(1, 900);
      ALTER TABLE grown ADD a text DEFAULT 'later', ADD b numeric DEFAULT 1.50, ADD c timestamptz DEFAULT '2024-01-01Z', ADD d int[] DEFAULT '{1,NULL}';
      INSERT INTO grown VALUES (901, NULL, NULL, NULL, NULL)`);
    expect((await sync(database)).failures).toEqual({});
    expect(await verified(database)).toEqual({ 'public.grown': 'equal, 901' });
    await withWarehouse(database, async (warehouse) => {
      const rows = await warehouse.rows(
        "SELECT count(*) FROM tester.source_public_grown WHERE a = 'later' AND b = 1.5",
      );
      expect(rows).toEqual([[900n]]);
    });
  });

  it('a table that VACUUM FULL rewrites between discovery and reading is read right', async () => {
    await database.client.query(`
      CREATE TABLE moved (id int PRIMARY KEY, v text); INSERT INTO moved SELECT i, repeat('x', 300) || i FROM generate_series(1, 8000) i;
      DELETE FROM moved WHERE id % 2 = 0; ANALYZE`);
    const { failures } = await sync(
      database,
      { customBatchSize: 200 },
      { beforeReading: async () => void (await database.client.query('VACUUM FULL moved')) },
    );
    expect(failures).toEqual({});
    expect(await verified(database)).toEqual({ 'public.moved': 'equal, 4000' });
  });

  it('a VACUUM FULL that comes while a table is read waits for it, and the table is read right', async () => {
    await database.client.query(`
      CREATE TABLE moved (id int PRIMARY KEY, v text); INSERT INTO moved SELECT i, repeat('x', 300) || i FROM generate_series(1, 8000) i;
      DELETE FROM moved WHERE id % 2 = 0; ANALYZE`);
    const other = await database.connect();
    let vacuum: Promise<unknown> = Promise.resolve();
    const { failures } = await sync(
      database,
      { customBatchSize: 200, lockTimeoutSeconds: 5 },
      {
        beforeWrite: (batch) => {
          if (batch === 2) vacuum = other.query('VACUUM FULL moved');
          return Promise.resolve();
        },
      },
    );
    await vacuum;
    expect(failures).toEqual({});
    expect(await verified(database)).toEqual({ 'public.moved': 'equal, 4000' });
  });

  it('rows that row-level security hides are no error, and a warning says that there may be some', async () => {
    const { client } = database;
    const role = client.escapeIdentifier(`reader_${database.name}`);
    await client.query(`
      CREATE TABLE secrets (id int PRIMARY KEY, owner text); INSERT INTO secrets SELECT i, CASE WHEN i % 4 = 0 THEN 'reader' ELSE 'other' END FROM generate_series(1, 400) i;
      ALTER TABLE secrets ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON secrets USING (owner = 'reader');
      CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT SELECT ON secrets TO ${role}`);
    const login = { username: `reader_${database.name}`, password: 'secret' };
    try {
      const { failures, lines } = await sync(database, login);
      expect(failures).toEqual({});
      expect(lines).toContain(
        'WARNING Row-level security applies to public.secrets: only the rows that the role may see are replicated.',
      );
      expect(await verified(database, login)).toEqual({ 'public.secrets': 'equal, 100' });
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

describe('databases of other encodings and collations', () => {
  const options: [string, string, string][] = [
    ['LATIN1', "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'", 'é ü ß ÿ £'],
    // One byte each there, and none of them a byte in Latin-1.
    ['LATIN2', "ENCODING 'LATIN2' LC_COLLATE 'C' LC_CTYPE 'C'", 'ł ő ż ę'],
    ['EUC_JP', "ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C'", '日本語 ひらがな'],
    ['SQL_ASCII', "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'", 'é 日本 😀'],
  ];
  if (serverMajor() >= 15)
    options.push(['ICU', "LOCALE_PROVIDER icu ICU_LOCALE 'de-u-ks-level2' LOCALE 'C'", 'Ä ä a Z 😀']);

  it.each(options)('%s', async (name, how, text) => {
    const database = await createDatabase();
    await database.drop();
    await withClient(testServer(), 'postgres', async (admin) => {
      await admin.query(`CREATE DATABASE ${admin.escapeIdentifier(database.name)} TEMPLATE template0 ${how}`);
    });
    const copy = await createDatabase({ template: database.name });
    try {
      await copy.client.query(`CREATE TABLE words (word text PRIMARY KEY, "Spälte" text, list text[])`);
      await copy.client.query('INSERT INTO words VALUES ($1, $2, $3), ($4, NULL, NULL), ($5, $1, $3)', [
        text,
        `${text}\u001f\u001d`,
        [text, null],
        `${text}x`,
        '',
      ]);
      expect((await sync(copy)).failures).toEqual({});
      expect(await verified(copy)).toEqual({ 'public.words': 'equal, 3' });
      await withWarehouse(copy, async (warehouse) => {
        const rows = await warehouse.rows(
          `SELECT word, "Spälte", CAST(list AS VARCHAR) FROM tester.source_public_words ORDER BY length(word)`,
        );
        expect([name, rows]).toEqual([
          name,
          [
            ['', text, JSON.stringify([text, null])],
            [text, `${text}\u001f\u001d`, JSON.stringify([text, null])],
            [`${text}x`, null, null],
          ],
        ]);
      });
    } finally {
      await copy.drop();
      await withClient(testServer(), 'postgres', (admin) =>
        admin.query(`DROP DATABASE ${admin.escapeIdentifier(database.name)}`),
      );
    }
  });

  it('bytes that are no UTF-8, which SQL_ASCII allows, fail their table with a sentence, and no other', async () => {
    const name = `ascii_${Date.now()}`;
    await withClient(testServer(), 'postgres', (admin) =>
      admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'`),
    );
    const database = await createDatabase({ template: name });
    try {
      await database.client.query(`
        CREATE TABLE broken (id int PRIMARY KEY, v text); INSERT INTO broken VALUES (1, 'fine'), (2, E'caf\\xe9');
        CREATE TABLE fine (id int PRIMARY KEY, v text); INSERT INTO fine VALUES (1, 'fine')`);
      const { failures } = await sync(database);
      expect(Object.keys(failures)).toEqual(['public.broken']);
      expect(failures['public.broken']).toMatch(/invalid byte sequence for encoding "UTF8"/);
      expect((await verified(database))['public.fine']).toBe('equal, 1');
    } finally {
      await database.drop();
      await withClient(testServer(), 'postgres', (admin) => admin.query(`DROP DATABASE ${name}`));
    }
  });
});
