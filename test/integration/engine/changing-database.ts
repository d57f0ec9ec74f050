/** Syncs of a database, as a user has them, that a test changes in between. */
import type { Settings } from '../../../src/config/settings';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { compareTable, withWarehouse, type Comparison } from '../../helpers/compare';
import { allOlderEnded } from '../../helpers/older-transactions';
import { runSync } from '../../../src/app/sync-run';
import { settingsFor } from '../../helpers/settings';
import type { SyncReport } from '../../../src/model/report';
import { UNMOVED } from '../sync';

export let database: TestDatabase;
export const lines: string[] = [];

beforeEach(async () => {
  database = await createDatabase();
  lines.length = 0;
});
afterEach(() => database.drop());

export async function sync(
  overrides: Partial<Settings> = {},
  more: { reconcile?: boolean; keysOnly?: boolean } = {},
): Promise<SyncReport> {
  lines.length = 0;
  const log = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger = { debug: log('DEBUG'), info: log('INFO'), warning: log('WARNING'), severe: log('SEVERE') };
  const report = await runSync(settingsFor(database, overrides), {
    logger,
    signal: new AbortController().signal,
    observer: {},
    ...UNMOVED,
    ...more,
  });
  expect(report.tables.filter((table) => table.error !== undefined)).toEqual([]);
  return report;
}

export const sql = (text: string): Promise<unknown> => database.client.query(text);

export async function compared(name: string, schema = 'public'): Promise<Comparison> {
  return await withWarehouse(database, (warehouse) => compareTable(database.client, warehouse, { schema, name }));
}

export async function deletedKeys(table: string): Promise<unknown[]> {
  const rows = await withWarehouse(database, (warehouse) =>
    warehouse.rows(`SELECT id FROM tester.${table} WHERE _fivetran_deleted ORDER BY id`),
  );
  return rows.map(([id]) => id);
}

/** Upserts of a sync that has nothing new to describe in the metadata tables. */
export function upserted(report: SyncReport): number {
  return report.operations.upserts;
}

export async function bigTable(key = 'primary key'): Promise<void> {
  await sql(`CREATE TABLE t (id int ${key}, v text, n int);
    INSERT INTO t SELECT i, 'value ' || i, i % 7 FROM generate_series(1, 12000) AS i; ANALYZE t`);
  await allOlderEnded(database.client);
}
