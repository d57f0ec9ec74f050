/**
 * Reads the write-ahead log as an index of what has changed. It knows what a server needs for that, the slot that keeps
 * our place, and the publication that says which tables are in it. It uses catalog and connection. Engine and app may
 * come in. Start at slot-facts.ts for what is asked, coverage.ts for which tables are covered, read-log.ts for the keys
 * that have changed.
 */
export {
  PUBLICATION_COMMENT,
  readLogFacts,
  type LogFacts,
  type LogNames,
  type PublicationFacts,
  type PublishedTable,
  type RelationIdentity,
  type ServerLogFacts,
  type SlotFacts,
} from './slot-facts';
export { coverageDigest, partsOfTable, whyNotCovered, whyNotPublishable, type CoverageGap } from './coverage';
export { dropSlot, isInvalid, OUTPUT_PLUGIN, readingObstacles, setupObstacles, type Obstacle } from './obstacles';
export type { KeySet } from './key-set';
export { earlier, latest, parseLsn } from './lsn';
export { advanceSlot, logEnd, type LogEnd } from './log-position';
export { readLog, type LoggedChanges, type LoggedTable, type LogRead, type LogReading } from './read-log';
export { SnapshotXids } from './snapshot-xids';
export { setupStatements, type SetupStatement, type SetupStatements } from './setup-statements';
