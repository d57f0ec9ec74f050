/**
 * Describes what there is to read: tables, columns, keys, sizes, partitions, and how their changes can be told, from
 * pg_catalog alone. It uses connection and reads no row of a user's table. The rooms read and checksum, engine and app
 * may come in. Start at catalog.ts for what is found, catalog-queries.ts for how it is asked.
 */
export { partsOf } from './catalog-queries';
export { discover, type Catalog, type KeyCandidate } from './catalog';
export { columnTypeOf } from './column-types';
export { isKnownSource, sourceIdentitySql } from './source-identity';
export { checkLayout, presentLayout, presentRelations } from './present-table';
export { neverAnalyzed, readServerFacts, type ServerFacts } from './server-facts';
export { rangesThroughRoot } from './table-members';
export { HIDDEN_SECONDS, oldestTransactionStart, sinceWatermark, watermarkOf } from './watermark';
