/** Work over all ranges of a table under one snapshot, by as many readers as there are slots for. */
import type { Relation } from '../../model/table';
import { blockRange, type TidRange } from '../../model/tid-range';
import type { Session } from '../../postgres/connection';
import { statesUnder, type SnapshotInfo } from '../../postgres/read';
import { planPartitions, type PartitionSize, type TableRun } from '../plan';
import { readInParallel } from './parallel-readers';
import type { ProcessorOptions } from './processor-options';

/** A session under a snapshot that others may join. */
export interface SharedSnapshot {
  readonly session: Session;
  readonly snapshot: SnapshotInfo;
  readonly signal: AbortSignal;
}

export interface RangeOfRelation {
  /** Its blocks are those that it has under the snapshot. */
  readonly relation: Relation;
  readonly range: TidRange;
}

/** `work` is called for ranges of about that size; relations that have no readable ranges are left out. */
export async function eachRange(
  run: TableRun,
  { manager, pool }: Pick<ProcessorOptions, 'manager' | 'pool'>,
  { session, snapshot, signal }: SharedSnapshot,
  size: PartitionSize,
  work: (session: Session, part: RangeOfRelation) => Promise<void>,
): Promise<void> {
  const { relations } = run.planned.table;
  const states = await statesUnder(session, snapshot, relations, signal);
  const parts = relations.flatMap((known) => {
    const blocks = states.get(known.oid)?.blocks ?? 0;
    if (!known.rangeReadable || blocks === 0) return [];
    const relation = { ...known, blocks };
    return planPartitions(relation, [blockRange(0, blocks)], size).flatMap(({ range }) =>
      range === null ? [] : [{ relation, range }],
    );
  });
  const readers = {
    manager,
    snapshot,
    relations,
    most: snapshot.id === null ? 1 : run.planned.threads,
    mayCome: () => pool.tryAcquire(),
    left: () => pool.release(),
    signal,
  };
  await readInParallel(session, readers, parts, work);
}
