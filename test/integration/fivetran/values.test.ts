import { join } from 'node:path';
import { runRound } from '../../../src/fivetran/reference-client/platform';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { configurationFor, startService, syncToWarehouse, type TestService } from '../../helpers/fivetran/service';
import { differences, value } from '../../helpers/fivetran/warehouses';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createDatabase();
  service = await startService();
});
afterAll(async () => {
  await service?.stop();
  await database?.drop();
});

async function round(
  tables: string,
  deselect?: Parameters<typeof runRound>[0]['deselect'],
): Promise<{ warnings: readonly string[]; path: string }> {
  const path = join(database.folder, `${tables.replace(/\W/g, '_')}.db`);
  const { breaches, warnings } = await runRound({
    address: service.address,
    configuration: configurationFor(database, { table_filters: tables }),
    warehousePath: path,
    statePath: `${path}.json`,
    ...(deselect === undefined ? {} : { deselect }),
  });
  expect(breaches).toEqual([]);
  return { warnings, path };
}

it('carries the extremes of every type', async () => {
  await database.client.query(`
    CREATE TYPE public.pair AS (a int, b text);
    CREATE TABLE public.extremes (
      id int PRIMARY KEY, b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision,
      n numeric(38,10), m money, u numeric, t text, c char(5), d date, ts timestamp, tz timestamptz, tm time, iv interval,
      j json, jb jsonb, arr text[], comp public.pair, r int4range, by bytea, x xml, uu uuid, ip inet, bits bit(5),
      "sync_timestamp" text, "we""ird 名" text);
    INSERT INTO public.extremes VALUES
      (1, true, -32768, -2147483648, -9223372036854775808, '-Infinity', 'NaN', '-9999999999999999999999999999.9999999999',
       '-92233720368547758.08', '123456789012345678901234567890.12345678', E'\\x1f\\x1d\\x1b', 'a', '0001-01-01',
       '0001-01-01 00:00:00', '0001-01-01 00:00:00+00', '24:00:00', '-1 year 2 mons -3 days 04:05:06.789', '{"a" : 1}',
       '{"a": null}', ARRAY['x', NULL, ''], ROW(1, 'two'), '[1,5)', '\\x00ff10', '<a b="c"/>',
       '00000000-0000-0000-0000-000000000001', '::1/64', '10101', 'own', 'w'),
      (2, false, 32767, 2147483647, 9223372036854775807, '3.4028235e38', '1.7976931348623157e308', '0.0000000001',
       '92233720368547758.07', '-0.00000001', '', '     ', '9999-12-31', '9999-12-31 23:59:59.999999',
       '9999-12-31 23:59:59.999999+00', '00:00:00.000001', '0', '[]', '"\\ud83d\\udc1f"', '{}', NULL, 'empty', '\\x', NULL,
       NULL, NULL, NULL, '', ''),
      (3, NULL, NULL, NULL, NULL, '1e-45', '5e-324', NULL, NULL, NULL, NULL, NULL, '1969-12-31',
       '1969-12-31 23:59:59.999999', '1900-01-01 00:00:00.5+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL)`);
  const { path, warnings } = await round('public.extremes');
  expect(warnings.filter((warning) => !warning.includes('is called sync_timestamp_2'))).toEqual([]);
  const warehouse = await syncToWarehouse(database, { tableFilters: ['public.extremes'] });
  expect(await differences(warehouse, path)).toEqual([]);
});

it('sends NULL for dates that the wire cannot carry, with one warning for each column', async () => {
  await database.client.query(`
    CREATE TABLE public.eras (id int PRIMARY KEY, d date, t timestamptz);
    INSERT INTO public.eras VALUES (1, '0044-03-15 BC', 'infinity'), (2, '-infinity', '10000-01-01'), (3, '2025-01-01', '2025-01-01 00:00+00')`);
  const { path, warnings } = await round('public.eras');
  expect(warnings).toHaveLength(2);
  expect(warnings.join()).toMatch(/Column d of public\.eras holds dates that Fivetran cannot hold.*Column t of/);
  expect(await value(path, 'SELECT count(d) || count(t) FROM tester.source_public_eras')).toBe('11');
});

it('makes a decimal column text when it turns out to hold what no decimal can', async () => {
  await database.client.query(`
    CREATE TABLE public.odd (id int PRIMARY KEY, n numeric, p numeric(10,2));
    INSERT INTO public.odd VALUES (1, 'NaN', 1.50), (2, repeat('9', 60)::numeric, 'NaN'), (3, 1.25, 2.00)`);
  const { path, warnings } = await round('public.odd');
  expect(warnings).toHaveLength(2);
  expect(await value(path, `SELECT string_agg(n || ' ' || p, ', ' ORDER BY id) FROM tester.source_public_odd`)).toBe(
    `NaN 1.50, ${'9'.repeat(60)} NaN, 1.25 2.00`,
  );
});

it('does not send what is not selected', async () => {
  await database.client.query(`
    CREATE TABLE public.people (id int PRIMARY KEY, name text, secret text);
    CREATE TABLE public.hidden (id int PRIMARY KEY);
    INSERT INTO public.people VALUES (1, 'Ada', 'x'); INSERT INTO public.hidden VALUES (1)`);
  const { path } = await round('public.people, public.hidden', (table, column) =>
    column === undefined ? table.name === 'source_public_hidden' : column.name === 'secret' || column.name === 'id',
  );
  const columns = `SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'source_public_people'`;
  expect(await value(path, columns)).toBe('id name sync_timestamp _fivetran_synced _fivetran_deleted');
  expect(await value(path, `SELECT count(*) FROM information_schema.tables WHERE table_name LIKE '%hidden'`)).toBe('0');
});

it('leaves out what the role may not read, with a warning that says what to grant', async () => {
  await database.client.query(`
    CREATE TABLE public.open (id int PRIMARY KEY); CREATE TABLE public.closed (id int PRIMARY KEY);
    DROP ROLE IF EXISTS half_blind; CREATE ROLE half_blind LOGIN PASSWORD 'half'; GRANT SELECT ON public.open TO half_blind`);
  const configuration = configurationFor(database, {
    username: 'half_blind',
    password: 'half',
    table_filters: 'public.open, public.closed',
  });
  const test = await service.client.call<{ failure?: string }>('Test', { name: 'permissions', configuration });
  expect(test.failure).toMatch(
    /^1 of 2 tables cannot be read: public\.closed\..*GRANT SELECT ON "public"\."closed" TO "half_blind"/,
  );
  const warnings: string[] = [];
  for await (const received of service.client.update({ configuration })) {
    const { message } = received as { message: { warning?: { message?: string } } };
    if (message.warning?.message !== undefined) warnings.push(message.warning.message);
  }
  expect(warnings).toEqual([expect.stringMatching(/^Left out: public\.closed: .*GRANT SELECT/)]);
  await database.client.query('DROP OWNED BY half_blind; DROP ROLE half_blind');
});
