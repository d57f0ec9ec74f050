import { changeStuckCalls } from '../../common/stuck-calls';
import { openOdbcConnection, type OdbcTarget } from './odbc-driver';

/**
 * Ends the statement that a backend is running, over a connection of its own. SQLCancel would not do: the odbc package
 * calls it on the main thread, where it waits for the server's answer without a limit. A server that is stopped or cut
 * off would then block timers, Ctrl-C and all else.
 */
export async function cancelStatement(target: OdbcTarget, backendPid: number): Promise<void> {
  // The connection counts as stuck until it is done: the process must be able to end while it waits for a silent
  // server.
  changeStuckCalls(1);
  try {
    const connection = await openOdbcConnection(target);
    try {
      // A login may have begun with another role, which may not cancel what the login's own role runs.
      await connection.query('SET ROLE NONE');
      await connection.query(`SELECT pg_catalog.pg_cancel_backend(${backendPid})::text AS done`);
    } finally {
      await connection.close();
    }
  } finally {
    changeStuckCalls(-1);
  }
}
