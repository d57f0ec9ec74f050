/** destinations/duckdb */
export { readStateFile, readWarehouse, type WarehouseContents } from './contents';
export { COPY_ALTERED } from './copy-altered';
export { DuckDbDestination } from './destination';
export { forgetTables } from './forget-tables';
export { fitColumn } from './load/column-fit';
export { lockWarehouse, ownFiles } from './own-files';
export { literal, quoted } from './types';
export { WarehouseTable } from './verify/checksum';
export { Warehouse } from './warehouse';
