/** A database that is followed in its log, and syncs of it by the log. */
import type { Settings } from '../../../src/config/settings';
import { compareTable, same, withWarehouse, type Comparison } from '../../helpers/compare';
import { dropSlot, setUpLog, startLogServer } from '../../helpers/log-server';
import { createDatabase, type PostgresServer, type TestDatabase } from '../../helpers/postgres';
import { sync, type SyncOutcome } from '../sync';

export let server: PostgresServer;
export let database: TestDatabase;
beforeAll(async () => {
  server = await startLogServer();
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  database = await createDatabase({ server });
});
afterEach(async () => {
  await dropSlot(database);
  await database.drop();
});

export const sql = async (text: string): Promise<void> => {
  await database.client.query(text);
};

export async function log(overrides: Partial<Settings> = {}): Promise<SyncOutcome> {
  const outcome = await sync(database, { syncMode: 'log', ...overrides });
  expect(outcome.failures).toEqual({});
  return outcome;
}

export const compared = (name = 't'): Promise<Comparison> =>
  withWarehouse(database, (warehouse) => compareTable(database.client, warehouse, { schema: 'public', name }));

export async function expectSame(name = 't'): Promise<void> {
  const { rows } = await database.client.query<{ n: number }>(`SELECT count(*)::int AS n FROM public.${name}`);
  expect(await compared(name)).toEqual(same(rows[0]?.n ?? -1));
}

/** Syncs, changes the source, syncs again by the log alone, and compares. */
export async function follow(create: string, change: string, overrides: Partial<Settings> = {}): Promise<SyncOutcome> {
  await sql(create);
  await setUpLog(database);
  await log(overrides);
  for (const statement of change.split(';;')) await sql(statement);
  const outcome = await log(overrides);
  await expectSame();
  return outcome;
}

/** The log sufficed: no line says that the table was compared or loaded. */
export function expectByLog({ lines }: SyncOutcome): void {
  expect(lines.filter((line) => /compared by|loaded from the start|compared after/.test(line))).toEqual([]);
}
