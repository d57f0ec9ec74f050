/** Counts the rows of a range, all or by groups of their key; model/key-groups says what for. */
import type { GroupCounts } from '../../model/key-groups';
import type { Relation } from '../../model/table';
import type { TidRange } from '../../model/tid-range';
import { quoteIdentifier, quoteQualified, type Session } from '../connection';
import { ROW_ALIAS } from './select-list';
import { rangeConditions } from './tid-conditions';

export interface CountRead {
  readonly relation: Relation;
  readonly conditions: readonly string[];
  readonly range: TidRange;
  readonly signal: AbortSignal | undefined;
}

export interface GroupRead extends CountRead {
  /** The key's column, as the source calls it. */
  readonly column: string;
  readonly width: number;
}

/** SQL for the group of a row. */
export function groupOf(column: string, width: number): string {
  return `(${ROW_ALIAS}.${quoteIdentifier(column)}::int8 / ${width})`;
}

export async function countGroups(session: Session, read: GroupRead): Promise<GroupCounts> {
  const { schema, name } = read.relation;
  const [row] = await session.query(
    `SELECT string_agg(g::text, ',') AS g, string_agg(n::text, ',') AS n FROM (` +
      `SELECT ${groupOf(read.column, read.width)} AS g, count(*) AS n ` +
      `FROM ${rowsOf(read)} GROUP BY 1) AS q`,
    { doing: `counting the keys of ${schema}.${name}`, signal: read.signal },
  );
  const numbers = (cell: unknown): number[] => (typeof cell === 'string' ? cell.split(',').map(Number) : []);
  const counts = numbers(row?.['n']);
  return new Map(numbers(row?.['g']).map((group, index) => [group, counts[index] ?? NaN]));
}

export async function readCount(session: Session, read: CountRead): Promise<number> {
  const { schema, name } = read.relation;
  const doing = `counting the rows of ${schema}.${name}`;
  const [row] = await session.query(`SELECT count(*)::text AS n FROM ${rowsOf(read)}`, { doing, signal: read.signal });
  return Number(row?.['n']);
}

function rowsOf({ relation, range, conditions }: CountRead): string {
  const all = [...rangeConditions(range), ...conditions.map((condition) => `(${condition})`)];
  const where = all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`;
  return `ONLY ${quoteQualified(relation.schema, relation.name)} AS ${ROW_ALIAS}${where}`;
}
