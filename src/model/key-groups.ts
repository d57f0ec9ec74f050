/**
 * Groups of rows by a whole number in their key, computed alike by source and destination: the number divided by
 * `width`, rounded towards zero. Where both sides count the same number of rows in a group, its keys need not be
 * compared.
 */
export interface KeyGroups {
  /** The key's column, as the destination calls it. */
  readonly column: string;
  readonly width: number;
}

/** Rows by group. */
export type GroupCounts = ReadonlyMap<number, number>;

/** Groups of which the two sides count different numbers of rows. */
export function groupsThatDiffer(one: GroupCounts, other: GroupCounts): number[] {
  const groups = new Set([...one.keys(), ...other.keys()]);
  return [...groups].filter((group) => one.get(group) !== other.get(group));
}
