/**
 * Counts the rows of tables that are not marked deleted: all, or by groups of their key (model/key-groups says what
 * for).
 */
import { asConnectorError } from '../../common/errors';
import type { GroupCounts, KeyGroups } from '../../model/key-groups';
import { quoted } from './types';
import type { Warehouse } from './warehouse';

export interface CountedGroups {
  readonly groups: KeyGroups;
  readonly counts: GroupCounts;
}

/** Few enough rows that the keys of a group are read quickly, and enough that the groups are few. */
const ROWS_PER_GROUP = 64;
const MOST_GROUPS = 100_000;
export const WHOLE_NUMBERS = ['SMALLINT', 'INTEGER', 'BIGINT'];

/** Tables that one statement counts. DuckDB holds a block of 256 kB for each, and with 100 tables they did not fit. */
const COUNTED_AT_ONCE = 20;
const REFUSED = 'warehouse_refused';

/**
 * `names` are qualified and quoted. NaN: somebody has altered the table so that it cannot be counted; or it lacks a file,
 * which does not keep the others from being counted. One table alone that lacks a file is an error.
 */
export async function countRows(warehouse: Warehouse, names: readonly string[]): Promise<readonly number[]> {
  const [alone, ...more] = names;
  if (alone !== undefined && more.length === 0) return [await countTable(warehouse, alone)];
  const counts: number[] = [];
  for (let first = 0; first < names.length; first += COUNTED_AT_ONCE) {
    const together = names.slice(first, first + COUNTED_AT_ONCE);
    try {
      counts.push(...(await countTogether(warehouse, together)));
    } catch (error) {
      if (!isOfTable(error)) throw error;
      for (const name of together) counts.push(await countAlone(warehouse, name));
    }
  }
  return counts;
}

/** NaN: somebody has altered the table so that it cannot be counted. */
export async function countTable(warehouse: Warehouse, name: string): Promise<number> {
  try {
    const [rows = NaN] = await countTogether(warehouse, [name]);
    return rows;
  } catch (error) {
    if (asConnectorError(error).code !== REFUSED) throw error;
    return NaN;
  }
}

async function countTogether(warehouse: Warehouse, names: readonly string[]): Promise<readonly number[]> {
  const counts = names.map(() => 0);
  const parts = names.map((name, index) => `SELECT ${index} AS i FROM ${name} WHERE NOT _fivetran_deleted`);
  // Grouped together: an aggregate of its own for each table takes half as long again.
  const rows = await warehouse.rows(`SELECT i, count(*) FROM (${parts.join(' UNION ALL ')}) GROUP BY i`);
  for (const [index, count] of rows) counts[Number(index)] = Number(count);
  return counts;
}

async function countAlone(warehouse: Warehouse, name: string): Promise<number> {
  try {
    return await countTable(warehouse, name);
  } catch (error) {
    if (!isOfTable(error)) throw error;
    return NaN;
  }
}

function isOfTable(thrown: unknown): boolean {
  const { code, ofTable } = asConnectorError(thrown);
  return ofTable || code === REFUSED;
}

export async function countGroups(
  warehouse: Warehouse,
  name: string,
  column: string,
): Promise<CountedGroups | undefined> {
  const type = (await warehouse.columnsOf(name)).get(column);
  if (type === undefined || !WHOLE_NUMBERS.includes(type)) return undefined;
  const key = quoted(column);
  const [extent] = await warehouse.rows(
    `SELECT count(*), min(${key})::VARCHAR, max(${key})::VARCHAR FROM ${name} WHERE NOT _fivetran_deleted`,
  );
  const [rows, least, most] = extent ?? [];
  if (typeof least !== 'string' || typeof most !== 'string') return undefined;
  const groups = BigInt(Math.min(Math.ceil(Number(rows) / ROWS_PER_GROUP), MOST_GROUPS));
  const width = (BigInt(most) - BigInt(least)) / groups + 1n;
  // Group numbers and the width are numbers of JavaScript.
  if (width > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const counted = await warehouse.rows(
    `SELECT (${key}::BIGINT // ${width})::DOUBLE, count(*)::DOUBLE FROM ${name} WHERE NOT _fivetran_deleted GROUP BY 1`,
  );
  return {
    groups: { column, width: Number(width) },
    counts: new Map(counted.map(([group, count]) => [Number(group), Number(count)])),
  };
}

/** An SQL condition for the rows of the groups, followed by AND; nothing where there are none. */
export function inGroups(within: (KeyGroups & { readonly groups: readonly number[] }) | undefined): string {
  if (within === undefined) return '';
  return `(${quoted(within.column)}::BIGINT // ${within.width}) IN (${within.groups.join(', ')}) AND`;
}
