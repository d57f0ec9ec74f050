/**
 * Reads a table: one pass over it, in full, over its changes or over its keys. A snapshot makes the pass consistent, and
 * this room says what is done when that is lost. It uses plan, pressure, rules and write; verify and app may come in.
 * Start at data-processor.ts for the attempts at a table, table-loop.ts for all tables.
 */
export { changeConditions } from './change-conditions';
export { changedSince } from './changed-since';
export { DataProcessor } from './data-processor';
export { beginsAnew } from './full-load';
export { LoadInParts } from './load-in-parts';
export { LogFollower } from './log-follower';
export type { ProcessorOptions } from './processor-options';
export { TableLoop } from './table-loop';
export { TableSnapshot } from './table-snapshot';
export { findUnchanged } from './unchanged-tables';
export { worthwhileReaders } from './worthwhile-readers';
