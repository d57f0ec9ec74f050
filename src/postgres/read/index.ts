/** postgres/read */
export { readRange, type RangeRead } from './batch-reader';
export { BatchSizer } from './batch-sizer';
export { readCursor } from './cursor-reader';
export { readByKey } from './key-reader';
export { packedQuerySql, unpackResult, type PackedQuery } from './packed-query';
export { ROW_ALIAS, leastDigits, selectColumn, type SelectColumn } from './select-list';
export {
  SNAPSHOT_XMIN,
  beginAndExport,
  beginAndImport,
  endTransaction,
  recover,
  relationStates,
  type SnapshotInfo,
} from './snapshot';
export { statementOfRange } from './tid-conditions';
export { withTransaction } from './transaction';
export { countsQuery } from './counts-query';
export { countGroups, groupOf } from './group-counts';
