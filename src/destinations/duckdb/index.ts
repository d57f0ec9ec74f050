/**
 * The warehouse: a DuckDB file that a sync writes tables into, and that other commands read.
 *
 * Start with `destination`, which names the parts of a sync: `open-tables`, `loads`, `changes`, `keys` and `state-store`.
 * `load/` leads a batch into its table, and `warehouse` runs the statements. `access` is for the other commands, and
 * `verify/` computes what a table holds. All code outside of this folder imports from here.
 */
export { warehouseAccess } from './access';
export { DuckDbDestination } from './destination';
export { fitColumn } from './load/column-fit';
export { literal, quoted } from './types';
