/** engine/passes */
export { changeConditions } from './change-conditions';
export { changedSince } from './changed-since';
export { DataProcessor } from './data-processor';
export { beginsAnew } from './full-load';
export type { ProcessorOptions } from './processor-options';
export { TableLoop } from './table-loop';
export { TableSnapshot } from './table-snapshot';
export { findUnchanged } from './unchanged-tables';
