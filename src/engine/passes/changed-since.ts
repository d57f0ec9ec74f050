import { ROW_ALIAS } from '../../postgres/read';

/**
 * Rows whose inserting transaction is at or after `xmin`. Rows carry 32 bits of it; age() compares them
 * modulo 2^32 against the present. A frozen row so old that it seems young is read without need, never the
 * other way round, as long as the first snapshot is less than 2^31 transactions ago.
 */
export function changedSince(xmin: string): string {
  const low = BigInt(xmin) & 0xffff_ffffn;
  // In a query of its own, which is evaluated once: the function is not inlined, and asks for each row.
  return `age(${ROW_ALIAS}.xmin) <= (SELECT age('${low}'::xid))`;
}
