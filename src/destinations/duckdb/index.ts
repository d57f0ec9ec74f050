/**
 * The warehouse: a DuckDB file that a sync writes tables into, and that other commands read.
 *
 * Start with `destination`, which names the parts of a sync: `open-tables`, `loads`, `changes`, `keys` and `state-store`.
 * `load/` leads a batch into its table, and `warehouse` runs the statements. `access` is for the other commands, and
 * `verify/` computes what a table holds. All code outside of this folder imports from here.
 */
export { warehouseAccess } from './access';
export { DuckDbDestination, WarehouseDestination, type WarehouseDestinationOptions } from './destination';
export { destinationError, diskFull, isDiskFull, messageOf, writeError } from './errors';
export { forgetIn } from './forget-tables';
export { fitColumn } from './load/column-fit';
export { mergeTables } from './load/merge-tables';
export { duckdb } from './library';
export { storedLogPosition } from './log-position-row';
export { storedOrigin } from './origin-row';
export { ownFiles } from './own-files';
export { readerOf } from './reader';
export { readRuns, removeOldRuns } from './run-history';
export { loadTableName, type StateRows } from './state-rows';
export type { Storage } from './storage';
export { assertYoung, transactionClock } from './transaction-age';
export { literal, qualified, quoted } from './types';
export { WarehouseTable } from './verify/checksum';
export { createFile, DATABASE, Warehouse, type WarehouseOptions } from './warehouse';
