/** Tables whose columns, types, keys or names are others than at the last sync. */
import { runSync } from '../../../src/app/sync-run';
import { same, withWarehouse, type Comparison } from '../../helpers/compare';
import { settingsFor } from '../../helpers/settings';
import { changeWarehouse } from '../../helpers/warehouse-access';
import { bigTable, compared, database, lines, sql, sync } from './changing-database';

/** As `compared`, where the warehouse keeps columns that the source no longer has. */
async function comparedWithLeftovers(name: string): Promise<Comparison> {
  const { rows } = await database.client.query<{ column_name: string }>(
    `SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
    [name],
  );
  const present = new Set(rows.map((row) => row.column_name));
  const table = `tester.source_public_${name}`;
  const leftovers = await withWarehouse(database, async (warehouse) => {
    const stored = await warehouse.rows(`SELECT column_name FROM (DESCRIBE ${table})`);
    const left = stored
      .map(([column]) => String(column))
      .filter((text) => !present.has(text) && !text.startsWith('_fivetran') && text !== 'sync_timestamp');
    for (const column of left)
      expect(await warehouse.rows(`SELECT count("${column}")::INT FROM ${table} WHERE NOT _fivetran_deleted`)).toEqual([
        [0],
      ]);
    return left;
  });
  await changeWarehouse(database, ...leftovers.map((column) => `ALTER TABLE ${table} DROP COLUMN "${column}"`));
  return await compared(name);
}

describe('schema evolution', () => {
  const changes: readonly [string, string][] = [
    ['a column added', `ALTER TABLE t ADD COLUMN extra numeric(5,2) DEFAULT 1.5`],
    ['a column dropped', `ALTER TABLE t DROP COLUMN n`],
    ['a column renamed', `ALTER TABLE t RENAME COLUMN v TO w`],
    [
      'columns in another order',
      `ALTER TABLE t ADD COLUMN w text; UPDATE t SET w = v; ALTER TABLE t DROP COLUMN v; ALTER TABLE t RENAME COLUMN w TO v`,
    ],
    ['a type widened', `ALTER TABLE t ALTER n TYPE bigint`],
    ['a type narrowed', `ALTER TABLE t ALTER n TYPE smallint`],
    ['a type changed altogether', `ALTER TABLE t ALTER n TYPE date USING date '2024-01-01' + n`],
    ['a key added to', `ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id, v)`],
    ['the key dropped', `ALTER TABLE t DROP CONSTRAINT t_pkey`],
    [
      'the table recreated',
      `DROP TABLE t; CREATE TABLE t (id text PRIMARY KEY, other bool); INSERT INTO t VALUES ('a', true)`,
    ],
    [
      'turned into a partitioned one',
      `DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v text, n int) PARTITION BY HASH (id);
      CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO t VALUES (1, 'one', 1)`,
    ],
  ];
  test.each(changes)('%s: followed, with a warning, and equal afterwards', async (_, change) => {
    await bigTable();
    await sync();
    await sql(change);
    await sync();
    expect(lines.join('\n')).toMatch(
      /(WARNING|INFO) public\.t has changed: .*(added|dropped or renamed|changed from|is another|created anew|created again)/,
    );
    const { rows } = await database.client.query<{ count: string }>('SELECT count(*) FROM t');
    expect(await comparedWithLeftovers('t')).toEqual(same(Number(rows[0]?.count)));
  });

  test('a key added to a table without one', async () => {
    await bigTable('NOT NULL');
    await sync();
    await sql('ALTER TABLE t ADD PRIMARY KEY (id)');
    await sync();
    expect(await comparedWithLeftovers('t')).toEqual(same(12_000));
  });

  test('schema_drift "fail" leaves the table alone and the others go on', async () => {
    await bigTable();
    await sql('CREATE TABLE u (id int PRIMARY KEY)');
    await sync();
    await sql('ALTER TABLE t ADD COLUMN extra int; INSERT INTO u VALUES (1)');
    const report = await runSync(settingsFor(database, { schemaDrift: 'fail' }), {
      logger: { debug: () => undefined, info: () => undefined, warning: () => undefined, severe: () => undefined },
      signal: new AbortController().signal,
      observer: {},
    });
    expect(report.tables.find((table) => table.key === 'public.t')?.error?.code).toBe('schema_drift');
    expect(await compared('u')).toEqual(same(1));
  });

  test('a dropped or renamed table stays as it is, with a warning', async () => {
    await bigTable();
    await sync();
    await sql('ALTER TABLE t RENAME TO renamed');
    await sync();
    expect(lines.join('\n')).toContain('WARNING public.t is no longer in the source');
    expect(await compared('renamed')).toEqual(same(12_000));
  });

  test('schema_drift "warn" makes a warning also of what "evolve" only mentions', async () => {
    await bigTable();
    await sync();
    await sql('ALTER TABLE t ADD COLUMN a int');
    await sync({ schemaDrift: 'warn' });
    expect(lines).toContain('WARNING public.t has changed: column a added. It is loaded from the start.');
    await sql('ALTER TABLE t ADD COLUMN b int');
    await sync();
    expect(lines).toContain('INFO public.t has changed: column b added. It is loaded from the start.');
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('a table that moves to another schema is a new one; the old one stays, with a warning', async () => {
    await bigTable();
    await sync();
    await sql('CREATE SCHEMA elsewhere; ALTER TABLE t SET SCHEMA elsewhere');
    await sync();
    expect(lines.join('\n')).toContain('WARNING public.t is no longer in the source');
    expect(await compared('t', 'elsewhere')).toEqual(same(12_000));
    // And back: what was missed meanwhile is found.
    await sql(`UPDATE elsewhere.t SET v = 'elsewhere' WHERE id = 3; ALTER TABLE elsewhere.t SET SCHEMA public`);
    await sync();
    expect(await compared('t')).toEqual(same(12_000));
  });

  test('values of a new enum label arrive', async () => {
    await sql(`CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (id int PRIMARY KEY, m mood);
      INSERT INTO t SELECT i, 'sad' FROM generate_series(1, 12000) i; ANALYZE t`);
    await sync();
    await sql(`ALTER TYPE mood ADD VALUE 'happy'`);
    await sql(`UPDATE t SET m = 'happy' WHERE id < 10`);
    await sync();
    expect(await compared('t')).toEqual(same(12_000));
  });
});
