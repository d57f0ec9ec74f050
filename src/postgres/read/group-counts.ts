/** Counts the rows of a range by groups of their key; model/key-groups says what for. */
import type { GroupCounts } from '../../model/key-groups';
import type { Relation } from '../../model/table';
import type { TidRange } from '../../model/tid-range';
import { quoteIdentifier, quoteQualified, type Session } from '../connection';
import { ROW_ALIAS } from './select-list';
import { rangeConditions } from './tid-conditions';

export interface GroupRead {
  readonly relation: Relation;
  /** The key's column, as the source calls it. */
  readonly column: string;
  readonly width: number;
  readonly conditions: readonly string[];
  readonly range: TidRange;
  readonly signal: AbortSignal | undefined;
}

/** SQL for the group of a row. */
export function groupOf(column: string, width: number): string {
  return `(${ROW_ALIAS}.${quoteIdentifier(column)}::int8 / ${width})`;
}

export async function countGroups(session: Session, read: GroupRead): Promise<GroupCounts> {
  const { schema, name } = read.relation;
  const conditions = [...rangeConditions(read.range), ...read.conditions.map((condition) => `(${condition})`)];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const [row] = await session.query(
    `SELECT string_agg(g::text, ',') AS g, string_agg(n::text, ',') AS n FROM (` +
      `SELECT ${groupOf(read.column, read.width)} AS g, count(*) AS n ` +
      `FROM ONLY ${quoteQualified(schema, name)} AS ${ROW_ALIAS}${where} GROUP BY 1) AS q`,
    { doing: `counting the keys of ${schema}.${name}`, signal: read.signal },
  );
  const numbers = (cell: unknown): number[] => (typeof cell === 'string' ? cell.split(',').map(Number) : []);
  const counts = numbers(row?.['n']);
  return new Map(numbers(row?.['g']).map((group, index) => [group, counts[index] ?? NaN]));
}
