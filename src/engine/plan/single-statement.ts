/** Whether one statement reads the whole table. It is then its own snapshot: no transaction, no export. */
import type { Relation } from '../../model/table';
import type { TableRun } from './table-run';

/** The relation to read in this way, as far as is known before it is read; undefined where the table needs more. */
export function singleStatementRelation(run: TableRun, batchBytes: number): Relation | undefined {
  const { table, batchRows } = run.planned;
  const [relation, ...others] = table.relations;
  if (run.readsChanges || run.progress !== null || run.decision.replicationKey !== null) return undefined;
  if (relation === undefined || others.length > 0 || !relation.rangeReadable) return undefined;
  return relation.rows <= batchRows && relation.bytes <= batchBytes ? relation : undefined;
}
