/** postgres/catalog */
export { partsOf } from './catalog-queries';
export { discover, type Catalog } from './catalog';
export { isKnownSource, keyCandidates, sourceIdentity, sourceIdentitySql, type KeyCandidate } from './change-tracking';
export { checkLayout, checkUnaltered, presentLayout, presentRelations } from './present-table';
export { neverAnalyzed, readServerFacts, type ServerFacts } from './server-facts';
export { rangesThroughRoot } from './table-members';
export { HIDDEN_SECONDS, oldestTransactionStart, sinceWatermark, watermarkOf } from './watermark';
