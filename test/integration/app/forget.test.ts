/** Tables that are gone: how they are reported, and how that ends. */
import { placeOfRows } from '../../../src/app/place-of-rows';
import { planToForget } from '../../../src/app/forget';
import { readStatus, type WarehouseStatus } from '../../../src/app/status';
import type { Settings } from '../../../src/config/settings';
import { readStateFile } from '../../../src/destinations/state-file';
import { withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync } from '../sync';
import { changeWarehouse } from '../../helpers/warehouse-access';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`
    CREATE TABLE stays (id int PRIMARY KEY); INSERT INTO stays VALUES (1);
    CREATE TABLE goes (id int PRIMARY KEY); INSERT INTO goes VALUES (1), (2)`);
});
afterEach(() => database.drop());

const settings = (more: Partial<Settings> = {}): Settings => settingsFor(database, more);
const status = async (more: Partial<Settings> = {}): Promise<WarehouseStatus> => await readStatus(settings(more));
const namesIn = ({ tables }: WarehouseStatus): string[] => tables.map(({ table }) => table);
const inWarehouse = async (): Promise<unknown[]> =>
  await withWarehouse(database, async (warehouse) => {
    const sql = "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'source_%' ORDER BY 1";
    return (await warehouse.rows(sql)).flat();
  });
const dropCopy = async (): Promise<void> => {
  await changeWarehouse(database, 'DROP TABLE tester.source_public_goes');
};

test('a table that was dropped is warned of until it is forgotten; its copy stays', async () => {
  await sync(database);
  await database.client.query('DROP TABLE goes');
  const warned = (await sync(database)).lines.filter((line) => line.includes('no longer in the source'));
  expect(warned).toEqual([
    'WARNING public.goes is no longer in the source: it was dropped, renamed or moved. Its table in the warehouse stays as it is; `pgsluice forget public.goes` ends this line.',
  ]);
  const plan = await planToForget(settings(), ['public.go*']);
  expect(plan.tables).toEqual([{ key: 'public.goes', destinationTable: 'source_public_goes' }]);
  await plan.forget(false);
  expect(namesIn(await status())).toEqual(['public.stays']);
  expect(Object.keys(readStateFile(settings().statePath)?.tables ?? {})).toEqual(['public.stays']);
  expect(await inWarehouse()).toEqual(['source_public_goes', 'source_public_stays']);
  expect((await sync(database)).lines.filter((line) => /^(?:WARNING|SEVERE).*goes/.test(line))).toEqual([]);
});

test('with its copy, a table is dropped, and comes again where the source still has it', async () => {
  await sync(database);
  await (await planToForget(settings(), ['goes'])).forget(true);
  expect(await inWarehouse()).toEqual(['source_public_stays']);
  expect((await sync(database)).report.tables.find(({ key }) => key === 'public.goes')?.rows).toBe(2);
});

test('a table that is nowhere any more is forgotten by itself, with its errors, and is said once', async () => {
  await sync(database);
  await database.client.query('ALTER TABLE goes RENAME TO went');
  await dropCopy();
  const first = (await sync(database)).lines.filter((line) => line.includes('public.goes'));
  expect(first).toEqual(['INFO public.goes is neither in the source nor in the warehouse any more, and is forgotten.']);
  expect(namesIn(await status())).toEqual(['public.stays', 'public.went']);
  expect((await sync(database)).lines.filter((line) => line.includes('public.goes'))).toEqual([]);
});

test('a copy that was dropped of a table that is filtered out is no news', async () => {
  await sync(database);
  await dropCopy();
  const { lines } = await sync(database, { tableFilters: ['stays'] });
  expect(lines.filter((line) => line.includes('public.goes'))).toEqual([]);
  const after = (await sync(database)).lines.filter((line) => line.includes('loaded from the start'));
  expect(after).toHaveLength(1);
});

test('the last error of a table that never came through is forgotten as well', async () => {
  await sync(database, { tableFilters: ['stays'] });
  const role = `forgetful_${process.pid}`;
  await database.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT SELECT ON stays TO ${role}`);
  const { failures } = await sync(database, { username: role, password: 'x' });
  expect(Object.keys(failures)).toEqual(['public.goes']);
  expect((await status()).tables.filter(({ lastError }) => lastError !== null)).toHaveLength(1);
  await (await planToForget(settings(), ['public.goes'])).forget(false);
  expect(namesIn(await status())).toEqual(['public.stays']);
  await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

test('status leaves out what is filtered out, and counts it', async () => {
  await sync(database);
  const { tables, filteredOut } = await status({ tableFilters: ['public.*', '!goes'] });
  expect([tables.map(({ table }) => table), filteredOut]).toEqual([['public.stays'], 1]);
});

test('a pattern that matches nothing forgets nothing', async () => {
  await sync(database);
  await expect(planToForget(settings(), ['public.stays', 'public.gose'])).rejects.toMatchObject({
    kind: 'configuration',
    message: `No table of ${placeOfRows(settings())} matches "public.gose"; nothing was forgotten.`,
    hint: 'Did you mean public.goes?',
  });
});
