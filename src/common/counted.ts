/** Writes numbers with their nouns: `1 row`, `2 rows`. */

/** The noun alone, for a number that is written in another way. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}

export function counted(count: number, one: string, many?: string): string {
  return `${count} ${plural(count, one, many)}`;
}
