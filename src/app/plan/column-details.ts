/** What becomes of the columns of a table, for people. */
import { actionText } from '../../model/column-policy';
import type { TableSchema } from '../../model/table';
import type { ColumnDetails } from './table-details';

/** In the order of the table's columns. */
export function columnDetails({ columns, withheld = [] }: TableSchema): readonly ColumnDetails[] {
  const rewritten = columns.flatMap(({ name, place, policy }) =>
    policy === undefined ? [] : [{ place, column: name, rule: actionText(policy.action), leftOut: null }],
  );
  const left = withheld.map(({ name, place, why }) => ({ place, column: name, rule: 'exclude', leftOut: why }));
  return [...rewritten, ...left]
    .sort((a, b) => a.place - b.place)
    .map(({ column, rule, leftOut }) => ({ column, rule, leftOut }));
}

/** `email hash, card exclude, notes exclude (no rule names it)` */
export function columnsText(details: readonly ColumnDetails[]): string {
  const why = { rule: '', unlisted: ' (no rule names it)', denied: ' (the role may not read it)' };
  return details
    .map(({ column, rule, leftOut }) => `${column} ${rule}${leftOut === null ? '' : why[leftOut]}`)
    .join(', ');
}
