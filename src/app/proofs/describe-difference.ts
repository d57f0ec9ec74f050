import { counted } from '../../common/counted';
import type { TableComparison } from '../../engine/verify';

/** What differs, as the end of a sentence: counts and names of columns, no values. */
export function describeDifference({ difference, problem }: TableComparison): string {
  if (difference === undefined) return (problem ?? 'it is another table').replace(/\.$/, '');
  const { changed, onlyInSource, onlyInWarehouse, sinceSync, columns, complete } = difference;
  const names = Object.keys(columns).sort();
  const parts = [
    ...(changed === 0 ? [] : [`${counted(changed, 'row')} with other values in ${names.join(', ')}`]),
    ...(onlyInSource === 0 ? [] : [`${counted(onlyInSource, 'row')} only in the source`]),
    ...(onlyInWarehouse === 0 ? [] : [`${counted(onlyInWarehouse, 'row')} only in the warehouse`]),
  ];
  const since = sinceSync === 0 ? '' : `, ${sinceSync} of them newer than its last pass`;
  return `${complete ? '' : 'at least '}${parts.join(', ')}${since}`;
}
