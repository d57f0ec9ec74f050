/** A role that may read some rows, and what arrives of them in the warehouse. */
import type { Client } from 'pg';
import { openSource } from '../../../src/app/source-connection';
import { runVerify } from '../../../src/app/verify-run';
import type { Settings } from '../../../src/config/settings';
import type { TableSchema } from '../../../src/model/table';
import { discover } from '../../../src/postgres/catalog/catalog';
import { compareTable, same, withWarehouse, type Comparison } from '../../helpers/compare';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import { settingsFor } from '../../helpers/settings';
import { sync, type SyncOutcome } from '../sync';

export const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  severe: () => undefined,
};

export let database: TestDatabase;
export let role: string;
export let reader: Client;
export let login: { readonly username: string; readonly password: string };

beforeEach(async () => {
  database = await createDatabase();
  const name = `reader_${database.name}`;
  role = database.client.escapeIdentifier(name);
  await database.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  login = { username: name, password: 'secret' };
  reader = await database.connect({ user: name, password: 'secret' });
});
afterEach(async () => {
  await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

/** 200 rows in two partitions, of 100 each; `half` is the part of the role in every one. */
export const PARTITIONED = `
  CREATE TABLE sales (id int PRIMARY KEY, half bool, v text, updated_at timestamptz NOT NULL DEFAULT '2024-01-01') PARTITION BY RANGE (id);
  CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (101);
  CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM (101) TO (1000);
  CREATE INDEX ON sales (updated_at);
  INSERT INTO sales SELECT i, i % 2 = 0, 'v' || i, '2024-01-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 200) i;`;
export const CHILDREN = `
  CREATE TABLE sales (id int PRIMARY KEY, half bool, v text); CREATE TABLE sales_1 (more int) INHERITS (sales);
  INSERT INTO sales SELECT i, i % 2 = 0, 'v' || i FROM generate_series(1, 100) i;
  INSERT INTO sales_1 SELECT i, i % 2 = 0, 'v' || i, i FROM generate_series(101, 200) i;`;

export const POLICY = (table: string): string =>
  `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON ${table} USING (half)`;

export interface Arrival extends Comparison {
  readonly verified: string;
  readonly lines: readonly string[];
}

/** After a sync as the role: the warehouse beside what the role selects, and what the comparison says. */
export async function arrival(settings: Partial<Settings> = {}): Promise<Arrival> {
  const { failures, lines } = await synced(settings);
  expect(failures).toEqual({});
  const compared = await withWarehouse(database, (it) => compareTable(reader, it, { schema: 'public', name: 'sales' }));
  return { ...compared, verified: await verified(settings), lines };
}

export const synced = (settings: Partial<Settings> = {}): Promise<SyncOutcome> =>
  sync(database, { ...login, syncMode: 'xmin', tableFilters: ['public.sales'], ...settings });

export async function verified(settings: Partial<Settings> = {}): Promise<string> {
  const report = await runVerify(settingsFor(database, { ...login, tableFilters: ['public.sales'], ...settings }), {
    logger: SILENT,
    signal: new AbortController().signal,
    show: 0,
    sample: 1,
  });
  return report.tables.map(({ outcome, problem }) => problem ?? outcome).join();
}

export async function described(name = 'sales', as: Partial<Settings> = login): Promise<TableSchema | undefined> {
  const manager = openSource(settingsFor(database, as), SILENT, 1);
  try {
    const session = await manager.lease();
    const { tables } = await discover(session, undefined);
    await manager.release(session);
    return tables.find((table) => table.name === name);
  } finally {
    await manager.close();
  }
}

export const equal = (rows: number): Partial<Arrival> => ({ ...same(rows), verified: 'equal' });
export const warnings = ({ lines }: Arrival): readonly string[] => lines.filter((line) => line.includes('Row-level'));
export const ALL_ARRIVE =
  'WARNING Row-level security applies to public.sales: the policies of public.sales_1, a part of it, do not apply to a SELECT from the table itself, so all of its rows are replicated.';
export const SOME_ARRIVE =
  'WARNING Row-level security applies to public.sales: only the rows that the role may see are replicated.';
