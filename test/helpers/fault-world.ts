/** A small database that changes while it is replicated, and the check that the copy is right. */
import type { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { compareTable, same, withWarehouse } from './compare';
import type { TestDatabase } from './postgres';
import type { Random } from './random';

/** One table for each way a table is replicated. */
export const TABLES = ['accounts', 'ledger', 'log', 'parts'] as const;

/** The ways: by update column, by transaction id, without key, and partitioned. */
export async function createWorld(client: Client, rows: number): Promise<void> {
  await client.query(`
    CREATE TABLE accounts (id int PRIMARY KEY, note text, amount numeric(12,2), updated_at timestamptz NOT NULL DEFAULT clock_timestamp());
    CREATE INDEX ON accounts (updated_at);
    CREATE TABLE ledger (id bigint PRIMARY KEY, note text, amount numeric(12,2));
    CREATE TABLE log (id int, note text, amount numeric(12,2));
    CREATE TABLE parts (id int, note text, amount numeric(12,2), PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (${Math.floor(rows / 2)});
    CREATE TABLE parts_high PARTITION OF parts DEFAULT;
  `);
  for (const table of TABLES) {
    await client.query(
      `INSERT INTO ${table} (id, note, amount) SELECT i, repeat(md5(i::text), 1 + i % 5), i / 7.0 FROM generate_series(1, ${rows}) i`,
    );
  }
  await client.query('ANALYZE');
}

/** Statements of an application that goes on with its work; what they hit depends on the generator alone. */
function statement(random: Random, rows: number): string {
  const table = random.pick(TABLES);
  const from = random.integer(1, rows);
  const to = from + random.integer(0, 40);
  const stamp = table === 'accounts' ? ', updated_at = clock_timestamp()' : '';
  switch (random.integer(0, 9)) {
    case 0:
      return `DELETE FROM ${table} WHERE id BETWEEN ${from} AND ${from + 3}`;
    case 1:
    case 2:
      return `INSERT INTO ${table} (id, note, amount) SELECT i, 'new', i FROM generate_series((SELECT coalesce(max(id), 0) + 1 FROM ${table}), (SELECT coalesce(max(id), 0) + 20 FROM ${table})) i`;
    case 3:
      // Moves rows to other pages: the old versions leave room too small for these.
      return `UPDATE ${table} SET note = repeat('moved ', 200)${stamp} WHERE id BETWEEN ${from} AND ${to}`;
    case 4:
      return `VACUUM ${table}`;
    default:
      return `UPDATE ${table} SET amount = amount + 1${stamp} WHERE id BETWEEN ${from} AND ${to}`;
  }
}

/** Writes until it is stopped, through crashes of the server. */
export function startWriter(database: TestDatabase, random: Random, rows: number): { stop(): Promise<void> } {
  let stopped = false;
  const write = async (): Promise<void> => {
    let client: Client | undefined;
    while (!stopped) {
      try {
        client ??= await database.connect();
        await client.query(statement(random, rows));
        await delay(2);
      } catch {
        // The server is down or has too many clients: the work goes on when it is back.
        client = undefined;
        await delay(20);
      }
    }
  };
  const writing = write();
  return {
    stop: async () => {
      stopped = true;
      await writing;
    },
  };
}

/** Fails unless every table of the warehouse is that of the source, value by value. */
export async function expectEqual(database: TestDatabase, client: Client): Promise<void> {
  await withWarehouse(database, async (warehouse) => {
    for (const name of TABLES) {
      const compared = await compareTable(client, warehouse, { schema: 'public', name });
      expect({ table: name, ...compared }).toEqual({ table: name, ...same(compared.rows) });
    }
  });
}
