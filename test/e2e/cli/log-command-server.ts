/** A server whose log can be followed, and a database of it, for tests of `pgsluice log`. */
import { runCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import {
  createDatabase,
  serverMajor,
  startServer,
  type PostgresServer,
  type TestDatabase,
} from '../../helpers/postgres';

export interface SlotRow {
  readonly slot_name: string;
  readonly plugin: string | null;
}

export interface Status {
  readonly slotName: string;
  readonly slot: { readonly retainedBytes: number; readonly confirmedFlushLsn: string } | null;
  readonly obstacles: readonly { readonly code: string }[];
  readonly warnings: readonly string[];
  readonly tables: readonly { readonly table: string; readonly covered: boolean; readonly remedy: string | null }[];
  readonly otherSlots: readonly { readonly name: string }[];
}

export let server: PostgresServer;
export let database: TestDatabase;
export let configuration: string;

beforeAll(async () => {
  server = await startServer({
    flags: {
      wal_level: 'logical',
      max_replication_slots: '3',
      max_wal_senders: '3',
      ...(serverMajor() >= 13 ? { max_slot_wal_keep_size: '48MB', max_wal_size: '32MB', min_wal_size: '32MB' } : {}),
    },
  });
});
afterAll(() => server.close());
beforeEach(async () => {
  database = await createDatabase({ server });
  configuration = writeConfiguration(database);
  await database.client.query(`
    CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE lines (a int, b int, what text, PRIMARY KEY (a, b));
    CREATE TABLE notes (v text); CREATE UNLOGGED TABLE cache (id int PRIMARY KEY); CREATE VIEW seen AS SELECT * FROM orders`);
});
afterEach(async () => {
  await database.client.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active`);
  await database.drop();
});

export const log = (...args: readonly string[]): Promise<CliResult> =>
  runCli(['log', ...args, '--configuration', configuration]);

export async function slots(): Promise<readonly SlotRow[]> {
  return (await database.client.query<SlotRow>('SELECT slot_name, plugin FROM pg_replication_slots ORDER BY 1')).rows;
}

export async function published(): Promise<readonly string[]> {
  const { rows } = await database.client.query<{ t: string }>(
    `SELECT pubname || ' ' || tablename AS t FROM pg_publication_tables ORDER BY 1`,
  );
  return rows.map(({ t }) => t);
}

export async function publications(): Promise<number> {
  const { rows } = await database.client.query<{ n: number }>('SELECT count(*)::int AS n FROM pg_publication');
  return rows[0]?.n ?? 0;
}

export async function status(): Promise<Status> {
  return JSON.parse((await log('status', '--json')).stdout) as Status;
}
