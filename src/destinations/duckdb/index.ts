/**
 * Keeps tables and state in a DuckDB file, the warehouse: loads, changes, deletions and the types that values need. load/
 * has the writing of rows, verify/ the checksums. It implements destinations/destination.ts and knows neither PostgreSQL's
 * tables nor the settings. registry.ts makes one; engine, app and fivetran may come in for what they ask of a file. Start at
 * destination.ts, warehouse.ts for the file itself.
 */
export { readStateFile, readWarehouse, type WarehouseContents } from './contents';
export { COPY_ALTERED } from './copy-altered';
export { DuckDbDestination } from './destination';
export { forgetTables } from './forget-tables';
export { fitColumn } from './load/column-fit';
export { lockWarehouse, ownFiles } from './own-files';
export { literal, quoted } from './types';
export { WarehouseTable } from './verify/checksum';
export { Warehouse } from './warehouse';
