import { ConnectorError } from '../../../../src/common/errors';
import { keepServerMemory } from '../../../../src/postgres/read/server-memory';
import type { Session } from '../../../../src/postgres/connection/session';

const MEGABYTE = 1_000_000;
const failed = new ConnectorError('out of memory', { code: 'sql_error', kind: 'source' });

/** A session that writes down its statements, of which the first fails where there is an error. */
function sessionWith(error?: Error, usable = true): { session: Session; statements: string[] } {
  const statements: string[] = [];
  const query = (sql: string): Promise<unknown[]> => {
    statements.push(sql);
    return statements.length === 1 && error !== undefined ? Promise.reject(error) : Promise.resolve([]);
  };
  return { session: { usable, query } as unknown as Session, statements };
}

test('a block is made once in a connection, after it has read enough', async () => {
  const { session, statements } = sessionWith();
  for (const bytes of [3, 4]) await keepServerMemory(session, bytes * MEGABYTE);
  expect(statements).toEqual([]);
  for (const bytes of [1, 20, 20]) await keepServerMemory(session, bytes * MEGABYTE);
  expect(statements).toEqual([expect.stringContaining('pg_catalog.repeat(')]);
  const other = sessionWith();
  await keepServerMemory(other.session, 9 * MEGABYTE);
  expect(other.statements).toHaveLength(1);
});

test('a server that refuses it is read on', async () => {
  const { session, statements } = sessionWith(failed);
  await keepServerMemory(session, 9 * MEGABYTE);
  await keepServerMemory(session, 9 * MEGABYTE);
  expect(statements).toEqual([expect.any(String), 'ROLLBACK TO SAVEPOINT pgsluice']);
});

test('a lost connection and an interruption are not passed over', async () => {
  await expect(keepServerMemory(sessionWith(failed, false).session, 9 * MEGABYTE)).rejects.toBe(failed);
  const aborted = AbortSignal.abort();
  await expect(keepServerMemory(sessionWith(failed).session, 9 * MEGABYTE, aborted)).rejects.toBe(failed);
});
