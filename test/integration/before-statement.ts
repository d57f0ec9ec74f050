/** Acts in the middle of a sync, between two of its statements. */
import type { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { Session } from '../../src/postgres/connection/session';

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its session below
const { query } = Session.prototype;

/** Runs `sync`, and `action` before its first statement that contains `text`, which waits for it. */
export async function actingBefore<T>(
  text: string,
  action: () => Promise<unknown>,
  sync: () => Promise<T>,
): Promise<T> {
  let acted = false;
  const spy = jest.spyOn(Session.prototype, 'query');
  spy.mockImplementation(async function (this: Session, ...parameters) {
    if (!acted && String(parameters[0]).includes(text)) {
      acted = true;
      await action();
    }
    return await query.apply(this, parameters);
  });
  try {
    return await sync();
  } finally {
    spy.mockRestore();
    expect(acted).toBe(true);
  }
}

/** Ends the sessions that hold a snapshot of the client's database, with their locks. */
export async function loseSnapshots(client: Client): Promise<void> {
  const others = `FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'`;
  await client.query(`SELECT pg_terminate_backend(pid) ${others}`);
  for (;;) {
    const { rows } = await client.query(`SELECT ${others}`);
    if (rows.length === 0) return;
    await delay(10);
  }
}
