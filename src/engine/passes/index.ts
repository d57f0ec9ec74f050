/** engine/passes */
export { changedSince } from './changed-since';
export { DataProcessor, beginsAnew } from './data-processor';
export { changeConditions } from './pass-preparation';
export { TableLoop } from './table-loop';
export { TableSnapshot } from './table-snapshot';
