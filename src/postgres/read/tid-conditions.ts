/** SQL for the rows of a range of one relation: with the range in the text, or as a statement for all ranges. */
import { tidLiteral, type TidRange } from '../../model/tid-range';
import type { RepeatedStatement } from '../connection';
import { ROW_ALIAS } from './select-list';

/** Conditions over the row alias; none where the range is everything. */
export function rangeConditions({ lo, hi }: TidRange): string[] {
  return [
    ...(lo > 0 || hi !== Infinity ? [`${ROW_ALIAS}.ctid >= ${tidLiteral(lo)}`] : []),
    ...(hi === Infinity ? [] : [`${ROW_ALIAS}.ctid < ${tidLiteral(hi)}`]),
  ];
}

/** A space after each number: psqlODBC looks for the end of a $tag$ there. */
const ANY_RANGE: readonly string[] = [`${ROW_ALIAS}.ctid >= $1 `, `${ROW_ALIAS}.ctid < $2 `];
/** A place after every row: blocks are numbered to 2^32 - 2. */
const LAST_TID = "'(4294967295,0)'";

/** `sql` is given the conditions. Its text is then the same for every range, and PostgreSQL plans it once. */
export function statementOfRange(
  label: string,
  range: TidRange,
  sql: (conditions: readonly string[]) => string,
): RepeatedStatement {
  return {
    label,
    direct: () => sql(rangeConditions(range)),
    text: sql(ANY_RANGE),
    parameterTypes: ['tid', 'tid'],
    values: [tidLiteral(range.lo), range.hi === Infinity ? LAST_TID : tidLiteral(range.hi)],
  };
}
