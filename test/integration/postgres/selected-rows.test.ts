/** What arrives of a table with partitions or children is what `SELECT … FROM` it gives to the role. */
import type * as presentTable from '../../../src/postgres/catalog/present-table';
import type * as tableMembers from '../../../src/postgres/catalog/table-members';
import type { Settings } from '../../../src/config/settings';
import { TableSnapshot } from '../../../src/engine/passes/table-snapshot';
import { serverMajor } from '../../helpers/postgres';
import { sync } from '../sync';
import {
  arrival,
  CHILDREN,
  database,
  described,
  equal,
  login,
  PARTITIONED,
  POLICY,
  reader,
  role,
  verified,
  warnings,
  ALL_ARRIVE,
  SOME_ARRIVE,
} from './selecting-role';

type Modules = [typeof tableMembers, typeof presentTable];
const [members, present] = [
  jest.requireActual<Modules[0]>('../../../src/postgres/catalog/table-members'),
  jest.requireActual<Modules[1]>('../../../src/postgres/catalog/present-table'),
];
// As they are, until a test says otherwise.
const why = jest.fn(members.whyThroughRoot);
const relations = jest.fn(present.presentRelations);
jest.mock('../../../src/postgres/catalog/table-members', (): Modules[0] => ({
  ...jest.requireActual<Modules[0]>('../../../src/postgres/catalog/table-members'),
  whyThroughRoot: (...of) => why(...of),
}));
jest.mock('../../../src/postgres/catalog/present-table', (): Modules[1] => ({
  ...jest.requireActual<Modules[1]>('../../../src/postgres/catalog/present-table'),
  presentRelations: (...of) => relations(...of),
}));

afterEach(() => {
  jest.restoreAllMocks();
  why.mockImplementation(members.whyThroughRoot);
  relations.mockImplementation(present.presentRelations);
});

describe.each([
  ['partitions', PARTITIONED],
  ['children', CHILDREN],
])('row-level security, %s', (_, tables) => {
  beforeEach(async () => {
    await database.client.query(`${tables}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  });

  it('of a part does not apply when the table is selected: all rows arrive, with a warning', async () => {
    await database.client.query(POLICY('sales_1'));
    const found = await arrival();
    expect(found).toMatchObject(equal(200));
    expect(warnings(found)).toEqual([ALL_ARRIVE]);
  });

  it('of the table applies to all of its parts: hidden rows stay hidden, with a warning', async () => {
    await database.client.query(POLICY('sales'));
    const found = await arrival();
    expect(found).toMatchObject(equal(100));
    expect(warnings(found)).toEqual([SOME_ARRIVE]);
  });

  it('applies to the owner where it is forced, and does not where it is not', async () => {
    const owner = tables === PARTITIONED ? ['sales', 'sales_1', 'sales_2'] : ['sales', 'sales_1'];
    await database.client.query(
      `${POLICY('sales')}; ${owner.map((name) => `ALTER TABLE ${name} OWNER TO ${role}`).join('; ')}`,
    );
    const before = await arrival();
    expect(before).toMatchObject(equal(200));
    expect(warnings(before)).toEqual([]);
    expect((await described())?.throughRoot).toBeUndefined();
    await database.client.query('ALTER TABLE sales FORCE ROW LEVEL SECURITY');
    expect(await arrival()).toMatchObject(equal(100));
  });

  it('coming and going between syncs neither loses rows nor keeps wrong ones', async () => {
    expect(await arrival()).toMatchObject(equal(200));
    await database.client.query(`${POLICY('sales')}; UPDATE sales SET v = 'other' WHERE id % 3 = 0`);
    expect(await arrival()).toMatchObject(equal(100));
    await database.client.query(`ALTER POLICY own ON sales USING (id % 5 = 0); DELETE FROM sales WHERE id = 10`);
    expect(await arrival()).toMatchObject(equal(39));
    await database.client.query(`ALTER TABLE sales DISABLE ROW LEVEL SECURITY; DELETE FROM sales WHERE id = 20`);
    expect(await arrival()).toMatchObject(equal(198));
    await database.client.query(`UPDATE sales SET v = 'last' WHERE id = 7`);
    expect(await arrival()).toMatchObject(equal(198));
  });
});

describe('row-level security of a table without parts', () => {
  beforeEach(async () => {
    await database.client.query(`
      CREATE TABLE sales (id int PRIMARY KEY, half bool, v text);
      INSERT INTO sales SELECT i, i % 2 = 0, 'v' || i FROM generate_series(1, 200) i;
      GRANT SELECT ON sales TO ${role}; ${POLICY('sales')}`);
  });

  it('another policy, or none any more, shows other rows although none was written', async () => {
    expect(await arrival()).toMatchObject(equal(100));
    await database.client.query('ALTER POLICY own ON sales USING (id > 150)');
    expect(await arrival()).toMatchObject(equal(50));
    await database.client.query(`ALTER ROLE ${role} BYPASSRLS`);
    expect(await arrival()).toMatchObject(equal(200));
  });

  it('a policy that asks another table makes it read whole', async () => {
    await database.client.query(`
      CREATE TABLE allowed (id int); INSERT INTO allowed SELECT generate_series(1, 60); GRANT SELECT ON allowed TO ${role};
      ALTER POLICY own ON sales USING (id IN (SELECT id FROM allowed))`);
    const settings: Partial<Settings> = { syncMode: 'auto', customBatchSize: 100 };
    expect(await arrival(settings)).toMatchObject(equal(60));
    await database.client.query('INSERT INTO allowed SELECT generate_series(61, 90)');
    expect(await arrival(settings)).toMatchObject(equal(90));
  });
});

it('a policy that a partition gets while the sync has begun fails the table, and the next sync is right', async () => {
  await database.client.query(`${PARTITIONED}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  const { failures } = await sync(
    database,
    { ...login, maxRetries: 1 },
    { beforeReading: async () => void (await database.client.query(POLICY('sales_1'))) },
  );
  expect(failures['public.sales']).toContain('public.sales_1, part of public.sales, got row-level security');
  expect(await arrival()).toMatchObject(equal(200));
});

it('a partition whose detaching was interrupted is no part of the table', async () => {
  if (serverMajor() < 14) return void expect(serverMajor()).toBeLessThan(14);
  await database.client.query(`${PARTITIONED}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  const [user, detaching] = [await database.connect(), await database.connect()];
  await user.query('BEGIN; SELECT count(*) FROM sales');
  const { rows } = await detaching.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const detached = expect(detaching.query('ALTER TABLE sales DETACH PARTITION sales_1 CONCURRENTLY')).rejects.toThrow(
    /cancel/,
  );
  for (let pending = false; !pending;) {
    const seen = await database.client.query(`SELECT FROM pg_inherits WHERE inhdetachpending`);
    pending = seen.rowCount === 1;
  }
  await database.client.query('SELECT pg_cancel_backend($1)', [rows[0]?.pid]);
  await detached;
  await user.query('COMMIT');
  expect(await arrival()).toMatchObject(equal(100));
  await database.client.query('ALTER TABLE sales DETACH PARTITION sales_1 FINALIZE');
  expect(await arrival()).toMatchObject(equal(100));
});

it('a virtual column of which a partition has another expression has the expression of the table', async () => {
  if (serverMajor() < 18) return void expect(serverMajor()).toBeLessThan(18);
  await database.client.query(`
    CREATE TABLE sales (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 2)) PARTITION BY RANGE (id);
    CREATE TABLE sales_1 (v int GENERATED ALWAYS AS (a * 3), a int, id int NOT NULL);
    ALTER TABLE sales ATTACH PARTITION sales_1 FOR VALUES FROM (0) TO (101);
    CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM (101) TO (1000);
    INSERT INTO sales SELECT i, i FROM generate_series(1, 200) i;
    CREATE TABLE usual (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 2)) PARTITION BY RANGE (id);
    CREATE TABLE usual_1 PARTITION OF usual FOR VALUES FROM (0) TO (101);
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  expect(await arrival()).toMatchObject(equal(200));
  expect((await described())?.throughRoot).toBe('virtual-column');
  expect((await described('usual'))?.throughRoot).toBeUndefined();
});

/**
 * TimescaleDB cannot be had here. What it does to a reader is this: chunks are children in a schema that may have any
 * name, its catalog says which, and the rows of a compressed one come when the hypertable is selected and not with ONLY.
 * A policy of a child hides rows in the same way.
 */
it('a hypertable is read through its root, with its primary key, and its chunks are no tables of their own', async () => {
  await database.client.query(`
    CREATE SCHEMA _timescaledb_catalog; CREATE SCHEMA chunks;
    CREATE TABLE _timescaledb_catalog.hypertable (schema_name name, table_name name);
    CREATE TABLE _timescaledb_catalog.chunk (schema_name name, table_name name);
    CREATE TABLE sales (at timestamptz NOT NULL, dev int NOT NULL, v float8, PRIMARY KEY (dev, at));
    CREATE TABLE chunks.c1 () INHERITS (sales); CREATE TABLE chunks.c2 () INHERITS (sales);
    INSERT INTO _timescaledb_catalog.hypertable VALUES ('public', 'sales');
    INSERT INTO _timescaledb_catalog.chunk VALUES ('chunks', 'c1'), ('chunks', 'c2');
    INSERT INTO chunks.c1 SELECT '2024-01-01'::timestamptz + i * interval '1 hour', i % 7, i / 3.0 FROM generate_series(1, 600) i;
    INSERT INTO chunks.c2 SELECT '2024-03-01'::timestamptz + i * interval '1 hour', i % 7, i / 3.0 FROM generate_series(1, 300) i;
    GRANT USAGE ON SCHEMA chunks, _timescaledb_catalog TO ${role};
    GRANT SELECT ON ALL TABLES IN SCHEMA public, chunks, _timescaledb_catalog TO ${role}`);
  expect(await arrival()).toMatchObject(equal(900));
  // "Compressed" between two syncs.
  await database.client.query(
    `ALTER TABLE chunks.c1 ENABLE ROW LEVEL SECURITY; CREATE POLICY hidden ON chunks.c1 USING (false)`,
  );
  expect((await reader.query('SELECT FROM ONLY chunks.c1')).rowCount).toBe(0);
  expect(await arrival()).toMatchObject(equal(900));
  expect(await described()).toMatchObject({ throughRoot: 'hypertable', primaryKey: ['dev', 'at'] });
  const all = await sync(database, { ...login, tableFilters: ['public.*', 'chunks.*'] });
  expect(all.report.tables.map(({ key }) => key)).toEqual(['public.sales']);
  // A catalog that may not be read is no reason to stop.
  await database.client.query(`REVOKE SELECT ON ALL TABLES IN SCHEMA _timescaledb_catalog FROM ${role}`);
  expect((await described())?.throughRoot).toBe('row-security');
});

describe('verify asks the table itself', () => {
  beforeEach(async () => {
    await database.client.query(`
      ${PARTITIONED}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}; ${POLICY('sales_1')}`);
  });

  it('so that rows are missed which were lost by reading its parts', async () => {
    // The fault that is looked for.
    why.mockImplementation(() => undefined);
    relations.mockImplementation((_, table) => Promise.resolve(table.relations));
    const found = await arrival();
    expect(found.missing).not.toEqual([]);
    expect(found.verified).toBe('different');
  });

  it('and lets it count its rows', async () => {
    expect(await arrival()).toMatchObject(equal(200));
    jest.spyOn(TableSnapshot.prototype, 'count').mockResolvedValue(201);
    expect(await verified()).toBe(
      'The table says that it has 201 rows, and 200 were read of it under the same snapshot.',
    );
  });
});

it('sizes come from the partitions, since nobody ever counts their parent', async () => {
  await database.client.query(`${PARTITIONED}; ANALYZE sales_1; ANALYZE sales_2`);
  const { rows } = await database.client.query<{ tuples: number }>(
    `SELECT reltuples AS tuples FROM pg_class WHERE oid = 'sales'::regclass`,
  );
  expect(rows[0]?.tuples).toBeLessThanOrEqual(0);
  expect(await described('sales', {})).toMatchObject({ estimatedRows: 200 });
  await database.client.query(`GRANT SELECT ON sales TO ${role}`);
  expect(await described()).toMatchObject({ throughRoot: 'privileges', estimatedRows: 200 });
});
