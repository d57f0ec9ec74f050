/**
 * A DuckLake: Parquet files, and a catalog that many processes may use at once.
 *
 * Start with `destination`. The tables are written by destinations/duckdb; what a lake does otherwise is in `storage`,
 * and what it remembers in `state-rows`. `warehouse` opens it, `extensions` loads what DuckDB needs for it.
 * Everybody outside of this folder imports from here.
 */
export { lakeAccess } from './access';
export { DuckLakeDestination } from './destination';
export { LakePartsDestination } from './parts-destination';
export { type LakePlace } from './catalog';
