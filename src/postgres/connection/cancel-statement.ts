import { changeStuckCalls } from '../../common/stuck-calls';
import { openOdbcConnection, type OdbcTarget } from './odbc-driver';

/**
 * Ends the statement that a backend is running, over a connection of its own. Not SQLCancel: the odbc package
 * calls it on the main thread, where it waits for the server's answer without a limit; a server that is
 * stopped or cut off would so take everything with it, timers and Ctrl-C included.
 */
export async function cancelStatement(target: OdbcTarget, backendPid: number): Promise<void> {
  // Until it is done: the process must be able to end while this waits for a server that says nothing.
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
