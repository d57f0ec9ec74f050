import { ROW_ALIAS } from '../../postgres/read';

/**
 * Rows whose inserting transaction is at or after `xmin`. Rows carry 32 bits of it; age() compares them modulo 2^32
 * against the present. A frozen row may be so old that it seems young, and is then read without need. The reverse never
 * happens while the first snapshot is less than 2^31 transactions ago.
 */
export function changedSince(xmin: string): string {
  // The function stands in a query of its own, which is evaluated once: it is not inlined, and would be called for each
  // row.
  return `age(${ROW_ALIAS}.xmin) <= (SELECT ${ageOf(xmin)})`;
}

/** The same for a relation of few rows: a hundred such queries in one statement take longer to plan than to run. */
export function changedSinceOfFew(xmin: string): string {
  return `age(${ROW_ALIAS}.xmin) <= ${ageOf(xmin)}`;
}

function ageOf(xmin: string): string {
  return `age('${BigInt(xmin) & 0xffff_ffffn}'::xid)`;
}
