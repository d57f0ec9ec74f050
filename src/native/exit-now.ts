/** The end of a process in which a call is stuck. */
import { loadAddon } from './addon';

/**
 * Ends the process at once, with what was written to pipes so far: flush logs and close the warehouse before.
 *
 * For when an ODBC call is stuck in a server that stopped answering: process.exit() and process.reallyExit()
 * join libuv's threads on the way out, so they would wait for that call for ever.
 */
export function exitNow(code: number): never {
  const { addon } = loadAddon();
  addon?.exitNow(Number.isInteger(code) && code >= 0 && code <= 255 ? code : 1);
  // Without the addon only a signal ends a process whose threads are stuck; it costs the exit code.
  process.kill(process.pid, 'SIGKILL');
  throw new Error('The process outlived SIGKILL.');
}
