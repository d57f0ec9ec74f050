/** Servers whose log can be followed, and what `pgsluice log setup` makes on them. */
import { Client } from 'pg';
import { slotNameOf } from '../../src/config/slot-name';
import { parseLsn } from '../../src/postgres/log/lsn';
import { startServer, withClient, type PostgresOptions, type PostgresServer, type TestDatabase } from './postgres';
import { settingsFor } from './settings';

/** Settings of a server that the tests of mode log need, on top of those of every test server. */
export const LOG_FLAGS = {
  wal_level: 'logical',
  max_wal_senders: '4',
  max_replication_slots: '20',
  max_prepared_transactions: '5',
} as const;

export async function startLogServer(options: PostgresOptions = {}): Promise<PostgresServer> {
  return await startServer({ ...options, flags: { ...LOG_FLAGS, ...options.flags } });
}

export function slotOf(database: TestDatabase): string {
  return slotNameOf(settingsFor(database));
}

/** A slot and a publication under the names that a sync looks for. */
export async function setUpLog(database: TestDatabase, tables = 'ALL TABLES'): Promise<void> {
  const target = tables === 'ALL TABLES' ? tables : `TABLE ${tables}`;
  await database.client.query(`CREATE PUBLICATION pgsluice FOR ${target}`);
  await makeSlot(database);
}

export async function makeSlot(database: TestDatabase): Promise<void> {
  await database.client.query('SELECT pg_create_logical_replication_slot($1, $2)', [slotOf(database), 'pgoutput']);
}

/** By a connection of its own, since a test may have killed the server of the others. */
export async function dropSlot(database: TestDatabase): Promise<void> {
  await withClient(database, database.name, async (client) => {
    await client.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()',
    );
  });
}

/** Where the slot stands. */
export async function confirmedPosition(client: Client, slot: string): Promise<bigint> {
  const { rows } = await client.query<{ l: string }>(
    'SELECT confirmed_flush_lsn::text AS l FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  );
  return parseLsn(rows[0]?.l ?? '');
}

/** A program of its own that reads the slot, and keeps others from it until its end. */
export async function holdSlot(database: TestDatabase, slot: string): Promise<{ end(): Promise<void> }> {
  const { host, port, user, password, name } = database;
  const consumer = new Client({ host, port, user, password, database: name, replication: 'database' } as object);
  consumer.on('error', () => undefined);
  await consumer.connect();
  let over: Error | undefined;
  const consuming = consumer
    .query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names 'pgsluice')`)
    .then(
      () => (over = new Error(`Slot ${slot} is read no longer.`)),
      (error: Error) => (over = error),
    );
  const active = `FROM pg_replication_slots WHERE active AND slot_name = '${slot}'`;
  while ((await database.client.query(`SELECT 1 ${active}`)).rows.length === 0) if (over !== undefined) throw over;
  return {
    end: async () => {
      await database.client.query(`SELECT pg_terminate_backend(active_pid) ${active}`);
      await consuming;
      await consumer.end().catch(() => undefined);
    },
  };
}
