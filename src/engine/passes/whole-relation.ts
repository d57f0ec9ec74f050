/** Reads all of a relation under the session's present snapshot, in batches. */
import type { Relation } from '../../model/table';
import { blockRange } from '../../model/tid-range';
import { type RangeRead, BatchSizer, type SelectColumn } from '../../postgres/read';
import type { ProcessorOptions } from './processor-options';
import type { TableRun } from '../plan';

export interface WholeRelation {
  readonly relation: Relation;
  /** As of the snapshot. */
  readonly blocks: number;
  readonly columns: readonly SelectColumn[];
  /** Further conditions, beyond those of the table's rules. */
  readonly conditions: readonly string[];
  readonly signal: AbortSignal;
}

export function wholeRelation(run: TableRun, options: ProcessorOptions, what: WholeRelation): RangeRead {
  const { relation, blocks, columns, conditions, signal } = what;
  const { batchBytes } = options;
  return {
    relation,
    columns,
    conditions: [...run.selection.conditions, ...conditions],
    range: blockRange(0, blocks),
    sizer: new BatchSizer({ estimatedRows: relation.rows, blocks, bytes: relation.bytes, batchBytes }),
    batchBytes,
    batchRows: () => options.batchRows(run),
    signal,
  };
}
