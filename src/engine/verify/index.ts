/** engine/verify */
export { VerifySource } from './verify-source';
export { verifyTable, type TableComparison } from './verify-table';
