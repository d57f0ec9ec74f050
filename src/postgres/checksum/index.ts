/** postgres/checksum */
export { canonicalText } from './canonical-text';
export {
  groupChecksumsStatement,
  parseGroupChecksums,
  rowDigest,
  rowGroup,
  type ChecksumQuery,
} from './checksum-query';
