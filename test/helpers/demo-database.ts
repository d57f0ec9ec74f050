import { seedShop } from '../../scripts/demo/seed';
import { createDatabase, testServer, withClient } from './postgres';
import type { ServerCoordinates, TestDatabase } from './postgres';

// Any number will do: it keeps test files of several workers from seeding the same template at once.
const LOCK = 20250601;

/** A copy of the demo's sample shop with about `rows` rows; seeded once per server and number, then copied. */
export async function createDemoDatabase(
  rows = 5_000,
  server: ServerCoordinates = testServer(),
): Promise<TestDatabase> {
  const template = `demo_${rows}`;
  await withClient(server, 'postgres', async (admin) => {
    await admin.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const { rowCount } = await admin.query('SELECT FROM pg_database WHERE datname = $1', [template]);
    if (rowCount !== 0) return;
    // It has another name until it is whole, because a failed attempt must not serve as a template.
    const unfinished = `${template}_unfinished`;
    await admin.query(`DROP DATABASE IF EXISTS ${unfinished}`);
    await admin.query(`CREATE DATABASE ${unfinished} TEMPLATE template0`);
    await withClient(server, unfinished, (client) => seedShop(client, rows));
    await admin.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`);
  });
  return createDatabase({ server, template });
}
