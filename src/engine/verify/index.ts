/**
 * Compares tables of the source with the destination, by checksums of groups of rows first and then row by row where
 * those differ. Nothing is written. It is the topmost room of the engine; app comes in. Start at verify-table.ts for the
 * comparison, verify-source.ts for the server's side.
 */
export { judgeComparison } from './judge-comparison';
export { VerifySource, type NewerRows } from './verify-source';
export { verifyTable, type TableComparison } from './verify-table';
