/**
 * Computes on the server what proves that rows are equal: the canonical text of a value, and digests of rows and of groups
 * of rows. The destinations compute the same of what they hold. It is the topmost room of postgres; engine/verify comes in.
 * Start at checksum-query.ts for the statement, canonical-text.ts for the form of each type.
 */
export { canonicalText, withoutZeroSigns } from './canonical-text';
export { contentStatement, parseContent } from './content-query';
export {
  BYTES_AS_NUMBERS_SINCE,
  groupChecksumsStatement,
  parseGroupChecksums,
  rowDigest,
  rowGroup,
  type ChecksumQuery,
} from './checksum-query';
