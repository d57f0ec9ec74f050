import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';

/**
 * Waits until older transactions have ended. A pass by transaction id reads all rows again that are not older than the
 * server's oldest transaction, those of concurrent tests included, so rows can only be counted afterwards.
 */
export async function allOlderEnded(client: Client): Promise<void> {
  // txid_*, which PostgreSQL 12 has as well.
  const { rows } = await client.query<{ xid: string }>('SELECT txid_current()::text AS xid');
  for (let ended = false; !ended;) {
    await delay(20);
    const seen = await client.query<{ ended: boolean }>(
      'SELECT txid_snapshot_xmin(txid_current_snapshot()) > $1::int8 AS ended',
      [rows[0]?.xid],
    );
    ended = seen.rows[0]?.ended === true;
  }
}
