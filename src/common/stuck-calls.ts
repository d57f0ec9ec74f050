/**
 * Counts the ODBC calls of this process that are blocked for good. Such a call keeps one of libuv's threads, and Node
 * joins those at exit: as long as there is one, process.exit() would hang, and only _exit ends the process
 * (native/exit-now). The count stands here because the code that gives a call up and the code that ends the process are
 * at opposite ends of the layers.
 */
let stuck = 0;

/** +1 when a call is given up, -1 when it returns after all. */
export function changeStuckCalls(change: 1 | -1): void {
  stuck += change;
}

export function stuckCalls(): number {
  return stuck;
}
