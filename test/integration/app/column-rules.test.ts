/** Rules of `columns`: what arrives is what they say, in every mode, and nothing of before stays where they change. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { hashKeyOf } from '../../../src/model/hash-key';
import { withWarehouse } from '../../helpers/compare';
import { allOlderEnded } from '../../helpers/older-transactions';
import { withRanges } from '../../helpers/postgres';
import { sync } from '../sync';
import { columnsOf, database, hmac, rowsOf, under, verified } from './ruled-database';

describe('values', () => {
  it('are hashed as HMAC-SHA-256 over their text, the same text in all columns that hold an equal value', async () => {
    await database.client.query(`
      CREATE TABLE types (id int PRIMARY KEY, i int, l bigint, n numeric(10,2), u numeric, t text, c char(5), b bool, d date, j jsonb, a int[], x bytea);
      INSERT INTO types VALUES (1, 7, 7, 7, 7.00, '7', '7', true, '2026-02-03', '{"b": 1,  "a": 2}', '{1,2}', '\\x00ff'), (3, -5, -5, -5.5, 1e20, E'grüß\\x1f', 'é', false, '0044-03-15 BC', '[]', '{}', ''); INSERT INTO types (id) VALUES (2)`);
    const settings = under({ '*': 'hash', 'types.id': 'keep' });
    expect((await sync(database, settings)).failures).toEqual({});
    const seven = hmac('7');
    const digests = [
      ...Array<string>(6).fill(seven),
      ...['true', '2026-02-03', '{"a": 2, "b": 1}', '[1,2]', '\\x00ff'].map((text) => hmac(text)),
    ];
    expect(await rowsOf('types', '* EXCLUDE (sync_timestamp, _fivetran_synced, _fivetran_deleted)')).toEqual([
      [1, ...digests],
      [2, ...Array<null>(11).fill(null)],
      [
        3,
        ...[
          '-5',
          '-5',
          '-5.5',
          '100000000000000000000',
          'grüß\x1f',
          'é',
          'false',
          '0044-03-15 BC',
          '[]',
          '[]',
          '\\x',
        ].map((text) => hmac(text)),
      ],
    ]);
    expect(await verified(settings)).toEqual({ 'public.types': 'equal' });
    // The text is the same whatever types the destination is to have.
    await sync(database, { ...settings, typeMode: 'python', fullResync: ['*'] });
    expect((await rowsOf('types', 'b, d', 'id'))[0]).toEqual([hmac('true'), hmac('2026-02-03')]);
  });

  it('are hashed with long keys as with short ones', async () => {
    await database.client.query(`CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')`);
    for (const secret of ['k'.repeat(64), 'k'.repeat(65), 'ü'.repeat(100)]) {
      await sync(database, under({ v: 'hash' }, { hashKey: hashKeyOf(Buffer.from(secret)) }));
      expect(await rowsOf('t', 'v')).toEqual([[hmac('x', secret)]]);
    }
  });

  it('are masked as the form says, and hidden as a whole where the form does not fit', async () => {
    await database.client.query(`
      CREATE TABLE m (id int PRIMARY KEY, mail text, phone text, card text, pin int, note text, gone date, free text);
      INSERT INTO m (id) VALUES (3); INSERT INTO m VALUES
        (1, 'anna@example.com', '+43 660 123-4567', '4111111111111111', 123456, 'private', '2026-01-01', 'a'),
        (2, 'a@b', '12345', '111', 1234, '', '2026-01-01', 'b'), (4, 'anna at home', 'ask Anna (06)', '', 0, 'x', NULL, NULL),
        (5, 'anna@example.com, call 555', E'0660\\n1234567', E'4111\\x1f1111', -12345, E'\\x1d', NULL, E'\\x1f'),
        (6, 'Ännä@exämple.com', '٠١٢٣٤٥٦٧', 'äöüß-€uro', 7, NULL, NULL, NULL)`);
    const settings = under({
      mail: 'mask:email',
      phone: 'mask:phone',
      card: 'mask:last:4',
      pin: 'mask:last:4',
      note: 'mask',
      gone: 'null',
    });
    expect((await sync(database, settings)).failures).toEqual({});
    expect(await rowsOf('m', 'mail, phone, card, pin, note, gone, free', 'id')).toEqual([
      ['a***@example.com', '+** *** ***-**67', '************1111', '**3456', '***', null, 'a'],
      ['a***@b', '***', '***', '****', '***', null, 'b'],
      [null, null, null, null, null, null, null],
      ['***', '*** **** (*6)', '', '*', '***', null, null],
      ['***', '**********67', '*****1111', '**2345', '***', null, '\x1f'],
      ['***', '******٦٧', '*****€uro', '*', null, null, null],
    ]);
    expect(await verified(settings)).toEqual({ 'public.m': 'equal' });
    expect(
      await withWarehouse(database, (it) =>
        it.rows(`SELECT type FROM pragma_table_info('tester.source_public_m') WHERE name = 'gone'`),
      ),
    ).toEqual([['DATE']]);
  });

  it('are seen so by a module of transformations, in SQL and in JavaScript', async () => {
    await database.client.query(
      `CREATE TABLE t (id int PRIMARY KEY, mail text, n int); INSERT INTO t VALUES (1, 'anna@example.com', 5)`,
    );
    const transformations = join(database.folder, 'rules.mjs');
    writeFileSync(
      transformations,
      `export default { transformations: [{ name: 'r', matches: (t) => t.columns.every((c) => c.name !== 'n' || c.type === 'text'),
        columns: (sql) => ({ n: "'n ' || " + sql.text('n') }), batch: ({ columns }) => ({ columns: { mail: columns.mail.map((v) => 'saw ' + v) } }) }] };`,
    );
    await sync(database, under({ mail: 'mask:email', n: 'hash' }, { transformations }));
    expect(await rowsOf('t', 'mail, n')).toEqual([['saw a***@example.com', `n ${hmac('5')}`]]);
  });
});

describe('tables', () => {
  withRanges(it)('with hashed keys follow changes, deletes and new keys', async () => {
    await database.client.query(`
      CREATE TABLE people (mail text PRIMARY KEY, v int); INSERT INTO people SELECT i || '@x.com', i FROM generate_series(1, 3000) i;
      CREATE TABLE pairs (mail text, n int, v int, PRIMARY KEY (mail, n)); INSERT INTO pairs SELECT i % 7 || '@x.com', i, i FROM generate_series(1, 3000) i;
      CREATE TABLE bag (mail text, v int); INSERT INTO bag SELECT i % 7 || '@x.com', i % 3 FROM generate_series(1, 100) i`);
    await allOlderEnded(database.client);
    const settings = under({ mail: 'hash' }, { customBatchSize: 500 });
    await sync(database, settings);
    await allOlderEnded(database.client);
    await database.client.query(`
      UPDATE people SET v = -1 WHERE v = 5; UPDATE people SET mail = 'new@x.com' WHERE v = 6; DELETE FROM people WHERE v IN (7, 8); INSERT INTO people VALUES ('9000@x.com', 9000);
      UPDATE pairs SET v = -1 WHERE n = 5; DELETE FROM pairs WHERE n IN (7, 2999); INSERT INTO pairs VALUES ('z@x.com', 1, 1); DELETE FROM bag WHERE v = 0`);
    const { report, failures } = await sync(database, settings);
    expect(failures).toEqual({});
    expect(report.tables.find(({ key }) => key === 'public.people')?.rows).toBeLessThan(10);
    expect(
      await rowsOf('people', 'mail, _fivetran_deleted', 'ALL').then((rows) =>
        rows.filter(([, deleted]) => deleted === true).map(([mail]) => mail),
      ),
    ).toEqual(['6@x.com', '7@x.com', '8@x.com'].map((text) => hmac(text)).sort());
    expect(await rowsOf('people', 'v', 'v').then((rows) => rows[0])).toEqual([-1]);
    expect(await verified(settings)).toEqual({
      'public.people': 'equal',
      'public.pairs': 'equal',
      'public.bag': 'equal',
    });
    const joined = `SELECT count(*)::int FROM tester.source_public_people JOIN tester.source_public_bag USING (mail)`;
    expect(await withWarehouse(database, (warehouse) => warehouse.rows(joined))).not.toEqual([[0]]);
    // Only keys are compared where nothing else is asked for.
    await database.client.query('DELETE FROM people WHERE v = 9');
    await sync(database, { ...settings, tableFilters: ['people'] }, { keysOnly: true });
    expect(await verified({ ...settings, tableFilters: ['people'] })).toEqual({ 'public.people': 'equal' });
  });

  it('fail by name where a rule leaves nothing to tell rows apart by, or a region by', async () => {
    await database.client.query(`
      CREATE TABLE a (k text PRIMARY KEY, v int); CREATE TABLE b (k2 text PRIMARY KEY); CREATE TABLE c (k3 text PRIMARY KEY);
      CREATE TABLE orders (id int PRIMARY KEY, region text); INSERT INTO orders VALUES (1, 'Europe'); CREATE TABLE d (only_one text)`);
    const { failures } = await sync(
      database,
      under({ k: 'exclude', k2: 'mask:email', k3: 'null', region: 'hash', only_one: 'exclude' }, { region: 'Europe' }),
    );
    expect(Object.entries(failures).map(([key, text]) => `${key}: ${text.slice(0, 90)}`)).toEqual([
      'public.a: Key column "k" of public.a has the rule "exclude", which leaves nothing to tell rows apart',
      'public.b: Key column "k2" of public.b has the rule "mask:email", which leaves nothing to tell rows a',
      'public.c: Key column "k3" of public.c has the rule "null", which leaves nothing to tell rows apart b',
      'public.d: No column of public.d is left to read. Leave the table out with "!public.d" in "table_filt',
      'public.orders: Column "region" of public.orders is under a rule of "columns", so that rows of "region" ca',
    ]);
    const { failures: without } = await sync(database, under({ region: 'hash' }));
    expect(without).toEqual({});
    expect(await rowsOf('orders', 'region')).toEqual([[hmac('Europe')]]);
  });

  it('are not read by an update column under a rule, whose values a watermark would tell', async () => {
    await database.client.query(`
      CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL); CREATE INDEX ON t (at);
      INSERT INTO t SELECT i, now() FROM generate_series(1, 10) i`);
    const settings = under(
      { at: 'hash' },
      { syncMode: 'timestamp', tableOptions: [['t', { mode: 'timestamp', replicationKey: 'at' }]] },
    );
    const { lines } = await sync(database, settings);
    expect(lines.join('\n')).toMatch(
      /replication key "at" of public\.t is no column of type date or timestamp, or is under a rule of "columns"/,
    );
    const state = readFileSync(join(database.folder, 'state.json'), 'utf8');
    expect(JSON.parse(state)).toMatchObject({ tables: { 'public.t': { watermark: null, replicationKey: null } } });
    expect(await verified(settings)).toEqual({ 'public.t': 'equal' });
  });

  it('say which rules change nothing, and what was meant', async () => {
    await database.client.query('CREATE TABLE people (id int PRIMARY KEY, email text, phone text)');
    const { lines } = await sync(
      database,
      under({ 'public.people.emial': 'hash', 'people.phone': 'hash', 'public.*.phone': 'null', xyz: 'exclude' }),
    );
    const warnings = lines.filter((line) => line.startsWith('WARNING'));
    expect(warnings).toEqual([
      'WARNING The rule "public.people.emial": "hash" of "columns" names no column; did you mean public.people.email?',
      'WARNING The rule "people.phone": "hash" of "columns" has no effect: of each column that it names, a later rule says otherwise ("public.*.phone" of public.people.phone).',
      'WARNING The rule "xyz": "exclude" of "columns" names no column; `pgsluice plan` shows what there is.',
    ]);
  });
});

describe('rules that change', () => {
  const CLEAR = 'clear-value-of-before';
  beforeEach(async () => {
    await database.client.query(`
      CREATE TABLE people (id int PRIMARY KEY, mail text, card text, v int);
      INSERT INTO people SELECT i, '${CLEAR}-' || i, '${CLEAR}-card-' || i, i FROM generate_series(1, 500) i;
      CREATE TABLE whole (mail text, v int); INSERT INTO whole SELECT '${CLEAR}-' || i, i FROM generate_series(1, 50) i`);
    await sync(database, under({}));
    await database.client.query('DELETE FROM people WHERE id > 490; DELETE FROM whole WHERE v > 40');
    await sync(database, under({}));
  });

  withRanges(it)(
    'leave no clear value in a table, rows marked deleted included, and no column that is left out',
    async () => {
      expect((await rowsOf('people', '(count(*) FILTER (WHERE _fivetran_deleted))::int'))[0]).toEqual([10]);
      const settings = under({ mail: 'hash', card: 'exclude' }, { schemaDrift: 'fail' });
      expect(await verified(settings)).toMatchObject({
        'public.people': expect.stringContaining('column mail has the rule hash') as string,
      });
      const { failures, lines } = await sync(database, settings);
      expect(failures).toEqual({});
      expect(lines.join('\n')).toMatch(
        /WARNING public\.people has changed: column mail has the rule hash \w{16}, and had keep, column card has the rule exclude, and had keep\. It is loaded from the start\. Rows marked deleted are dropped/,
      );
      expect(await columnsOf('people')).toEqual(['id', 'mail', 'v']);
      expect((await rowsOf('people', `count(*)::int, (count(*) FILTER (WHERE mail LIKE '%clear%'))::int`))[0]).toEqual([
        490, 0,
      ]);
      expect((await rowsOf('whole', `count(*)::int, (count(*) FILTER (WHERE mail LIKE '%clear%'))::int`))[0]).toEqual([
        40, 0,
      ]);
      expect(await verified(settings)).toEqual({ 'public.people': 'equal', 'public.whole': 'equal' });
      // The next one has nothing to do.
      const { lines: again } = await sync(database, settings);
      expect(again.join('\n')).toContain('Unchanged since the last sync: ');
    },
  );

  it('take a hashed key for another key, and another hash key for another rule', async () => {
    const settings = under({ 'people.id': 'hash' });
    await sync(database, settings);
    expect(await rowsOf('people', 'count(*)::int, count(DISTINCT id)::int, max(length(id))::int')).toEqual([
      [490, 490, 64],
    ]);
    expect((await rowsOf('people', 'id', 'id')).map(([id]) => id)).toContain(hmac('490'));
    const other = { ...settings, hashKey: hashKeyOf(Buffer.from('another key of sixteen')) };
    await sync(database, other);
    expect((await rowsOf('people', 'id', 'id')).map(([id]) => id)).toContain(hmac('490', 'another key of sixteen'));
    expect(await rowsOf('people', 'count(*)::int')).toEqual([[490]]);
    expect(await verified(other)).toEqual({ 'public.people': 'equal', 'public.whole': 'equal' });
  });

  it('bring a column back, and leave the table alone for a column that comes without being listed', async () => {
    await sync(database, under({ card: 'exclude', mail: 'mask' }));
    await database.client.query('DELETE FROM people WHERE id = 1');
    await sync(database, under({ card: 'exclude', mail: 'mask' }));
    const { lines: back } = await sync(database, under({ mail: 'mask' }));
    expect(back.join('\n')).toContain('column card has the rule keep, and had exclude. It is loaded from the start.');
    expect(await rowsOf('people', 'id, card', 'id').then((rows) => rows[0])).toEqual([1, null]);
    await sync(database, under({}));
    expect(await columnsOf('people')).toEqual(['id', 'mail', 'card', 'v']);
    expect(await verified(under({}))).toEqual({ 'public.people': 'equal', 'public.whole': 'equal' });
    const listed = under({ id: 'keep', v: 'keep', mail: 'hash' }, { columnsUnlisted: 'exclude' });
    await sync(database, listed);
    await database.client.query('ALTER TABLE people ADD COLUMN iban text');
    const { lines } = await sync(database, listed);
    expect(lines.join('\n')).not.toContain('has changed');
    expect(await columnsOf('people')).toEqual(['id', 'mail', 'v']);
    expect(await verified(listed)).toEqual({ 'public.people': 'equal', 'public.whole': 'equal' });
  });

  withRanges(it)(
    'leave clear values in free blocks of the file, which a copy of the warehouse does not have, nor a new one',
    async () => {
      const path = join(database.folder, 'warehouse.db');
      const settings = under({ mail: 'hash', card: 'hash' });
      await sync(database, settings);
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      await connection.run(
        `ATTACH '${path}' AS old (READ_ONLY); ATTACH '${path}.new' AS new; COPY FROM DATABASE old TO new; DETACH new; DETACH old`,
      );
      connection.closeSync();
      instance.closeSync();
      expect(readFileSync(`${path}.new`).includes(CLEAR)).toBe(false);
      rmSync(path);
      writeFileSync(path, readFileSync(`${path}.new`));
      await database.client.query(`INSERT INTO people VALUES (1000, 'm', 'c', 1)`);
      expect((await sync(database, settings)).lines.join('\n')).toContain('1 record (491 rows)');
      expect(await verified(settings)).toEqual({ 'public.people': 'equal', 'public.whole': 'equal' });
    },
  );
});
