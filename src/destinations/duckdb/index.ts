/**
 * The warehouse: a DuckDB file that tables are written into, and read from for `verify`, `status` and `plan`.
 *
 * Start with `destination`, which names the parts: `open-tables`, `loads`, `changes`, `keys` and `state-store`. `load/`
 * leads a batch into its table, `warehouse` runs the statements, and `verify/` computes what a table holds.
 * Everybody outside of this folder imports from here.
 */
export { readStateFile, readWarehouse, type WarehouseContents } from './contents';
export { COPY_ALTERED } from './copy-altered';
export { DuckDbDestination, WarehouseDestination, type WarehouseDestinationOptions } from './destination';
export { destinationError, messageOf, writeError } from './errors';
export { forgetTables } from './forget-tables';
export { fitColumn } from './load/column-fit';
export { duckdb } from './library';
export { storedOrigin } from './origin-row';
export { lockWarehouse, ownFiles } from './own-files';
export { readRuns } from './run-history';
export type { StateRows } from './state-rows';
export type { Storage } from './storage';
export { literal, quoted } from './types';
export { WarehouseTable } from './verify/checksum';
export { createFile, DATABASE, Warehouse, type WarehouseOptions } from './warehouse';
