/** A database of which columns are read under rules, another one in each test, and what of it is in the warehouse. */
import { createHmac } from 'node:crypto';
import { runVerify } from '../../../src/app/verify-run';
import { parseColumnRules } from '../../../src/config/column-rules';
import type { Settings } from '../../../src/config/settings';
import { hashKeyOf } from '../../../src/model/hash-key';
import { withWarehouse } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';

export const SECRET = 'a key of more than sixteen characters';
export const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  severe: () => undefined,
};

export const hmac = (text: string, secret = SECRET): string => createHmac('sha256', secret).update(text).digest('hex');

export function under(rules: Readonly<Record<string, string>>, more: Partial<Settings> = {}): Partial<Settings> {
  const columns = parseColumnRules(JSON.stringify(rules), '/');
  return { syncMode: 'auto', columns, hashKey: hashKeyOf(Buffer.from(SECRET)), ...more };
}

export let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

/** Rows of a table in the warehouse as texts, those marked deleted too. */
export async function rowsOf(table: string, columns: string, order = '1'): Promise<unknown[][]> {
  return await withWarehouse(database, (warehouse) =>
    warehouse.rows(`SELECT ${columns} FROM tester.source_public_${table} ORDER BY ${order}`),
  );
}

export async function columnsOf(table: string): Promise<string[]> {
  return await withWarehouse(database, async (warehouse) =>
    (await warehouse.rows(`SELECT name FROM pragma_table_info('tester.source_public_${table}')`))
      .map(([name]) => String(name))
      .filter((name) => !name.startsWith('_fivetran') && name !== 'sync_timestamp'),
  );
}

export async function verified(settings: Partial<Settings>): Promise<Record<string, string>> {
  const { tables } = await runVerify(settingsFor(database, settings), {
    ...{ logger: SILENT, signal: new AbortController().signal, show: 0, sample: 1 },
  });
  return Object.fromEntries(
    tables.map(({ key, outcome, error, problem }) => [key, error?.describe() ?? problem ?? outcome]),
  );
}
