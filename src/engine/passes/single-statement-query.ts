/** The query that reads all of a small table at once, with the facts that its load needs under the same snapshot. */
import { presentLayout } from '../../postgres/catalog';
import { leastDigits, SNAPSHOT_XMIN, type PackedQuery } from '../../postgres/read';
import type { Relation } from '../../model/table';
import type { TableRun } from '../plan';
import type { ProcessorOptions } from './processor-options';

/** The facts that `factsOf` reads from the result. */
export interface StatementFacts {
  readonly xmin: string;
  readonly fileNode: string;
  readonly layout: string | undefined;
}

export function wholeTableQuery(
  run: TableRun,
  relation: Relation,
  { batchBytes, writer }: Pick<ProcessorOptions, 'batchBytes' | 'writer'>,
  maxBytes: number,
): PackedQuery {
  const { columns, conditions } = run.selection;
  return {
    relation,
    columns,
    conditions,
    range: { lo: 0, hi: Infinity },
    // NULLs alone might make the digits too long, so then they are not used.
    packing: writer.takesBinary(run) && leastDigits(columns) * relation.rows <= batchBytes ? 'binary' : 'plain',
    maxBytes,
    extra: `concat_ws(' ', ${SNAPSHOT_XMIN}, pg_relation_filenode(${relation.oid}), ${presentLayout(run.planned.table)})`,
  };
}

export function factsOf(extra: unknown): StatementFacts {
  const [xmin = '', fileNode = '', layout] = String(extra).split(' ');
  return { xmin, fileNode, layout };
}
