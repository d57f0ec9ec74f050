/**
 * Reads rows as packed batches. A query packs a batch into one row, and checks prove that it is whole. Snapshots and, where
 * there are no ranges, cursors are here as well. It uses connection and catalog. The room checksum, engine and app may
 * come in. Start at packed-query.ts for the idea, batch-reader.ts for a range.
 */
export { readRange, type RangeRead } from './batch-reader';
export { BatchSizer } from './batch-sizer';
export { readCursor } from './cursor-reader';
export { readByKey } from './key-reader';
export { jointQuerySql, rowsOfJointQuery } from './joint-query';
export { hasOneTextEach, readKeyedRows, readMissingKeys, type KeyedRead } from './keyed-rows';
export { packedQuerySql, unpackResult, type PackedQuery } from './packed-query';
export { ROW_ALIAS, leastDigits, selectColumn, type SelectColumn } from './select-list';
export {
  SNAPSHOT_XMIN,
  beginAndExport,
  beginAndImport,
  endTransaction,
  lockUnderSnapshot,
  recover,
  relationStates,
  statesUnder,
  type SnapshotInfo,
} from './snapshot';
export { statementOfRange } from './tid-conditions';
export { withoutTrailingZeros } from './value-text';
export { withTransaction } from './transaction';
export { countsQuery } from './counts-query';
export { countGroups, groupOf, readCount } from './group-counts';
