/**
 * A first load that many processes read: one begins it, each reads some of its parts, and an ordinary sync ends it.
 *
 * The load begins with a snapshot, under which the table's blocks are counted and divided. Every part is read later, under
 * a snapshot of its own. So whatever the parts miss, or read in two versions, or find in blocks that have come since,
 * carries a transaction id at or after the first snapshot's xmin: the catch-up pass at the end reads just those rows, and
 * each replaces all that the load has under its key (see full-load). A snapshot that is older than the first, as of a
 * standby that is behind, is refused by PassPreparation.
 */
import type { LoadProgress } from '../../model/sync-state';
import { monotonicClock } from '../../postgres/connection';
import { readRange, statesUnder, withTransaction } from '../../postgres/read';
import { xidsComparable, type TableRun } from '../plan';
import { applyBatchRules } from '../rules';
import { whyAnew } from './full-load';
import { PassPreparation } from './pass-preparation';
import type { ProcessorOptions } from './processor-options';
import { SnapshotReader } from './snapshot-reader';
import { takeSnapshot } from './take-snapshot';
import { wholeRelation } from './whole-relation';

/** The first blocks of the table; they are read in some milliseconds. */
const FIRST_BLOCKS = 16;

export class LoadInParts {
  private readonly preparation: PassPreparation;
  private readonly reader: SnapshotReader;

  constructor(private readonly options: ProcessorOptions) {
    this.preparation = new PassPreparation(options);
    this.reader = new SnapshotReader(options, options.clock ?? monotonicClock);
  }

  /** Commits the load with its first rows, so that columns whose types follow their values have types of this table. */
  async begin(run: TableRun): Promise<void> {
    const signal = this.signal(run);
    const { manager, writer } = this.options;
    await withTransaction(manager, signal, async (session) => {
      const snapshot = await this.preparation.takeSnapshot(run, session, signal);
      await this.preparation.prepare(run, session, snapshot, signal);
      const states = await statesUnder(session, snapshot, run.planned.table.relations, signal);
      const { columns, batchRules } = run.selection;
      for (const relation of run.planned.table.relations) {
        const blocks = Math.min(FIRST_BLOCKS, states.get(relation.oid)?.blocks ?? 0);
        const first = wholeRelation(run, this.options, { relation, blocks, columns, conditions: [], signal });
        for await (const { batch, range } of readRange(session, first))
          await writer.batch(run, applyBatchRules(batch, columns, batchRules), relation.oid, range);
      }
      await writer.settled();
      rethrow(run);
    });
    await this.commit(run);
  }

  /** Whether parts that are read now belong to a load that has begun so. */
  async mayGoOn(run: TableRun, progress: LoadProgress): Promise<boolean> {
    if (!run.resumable || whyAnew(run, progress) !== undefined) return false;
    const signal = this.signal(run);
    return await withTransaction(this.options.manager, signal, async (session) => {
      const snapshot = await takeSnapshot(run, session, signal);
      const states = await statesUnder(session, snapshot, run.planned.table.relations, signal);
      const isSame = progress.relations.every(({ oid, fileNode }) => states.get(oid)?.fileNode === fileNode);
      return isSame && xidsComparable(progress.firstXmin, snapshot.xmin);
    });
  }

  /** Reads what is pending of the run and commits it, all or nothing. Returns false where the load cannot go on. */
  async load(run: TableRun): Promise<boolean> {
    const { writer } = this.options;
    const { progress } = run;
    if (progress === null || !run.resumable || whyAnew(run, progress) !== undefined) return false;
    while (!run.pendingEmpty) {
      await this.reader.read(run);
      await writer.settled();
      rethrow(run);
    }
    await this.commit(run);
    return true;
  }

  private async commit(run: TableRun): Promise<void> {
    await this.options.writer.commit();
    rethrow(run);
  }

  private signal(run: TableRun): AbortSignal {
    return AbortSignal.any([this.options.signal, run.stopSignal]);
  }
}

function rethrow(run: TableRun): void {
  if (run.failure !== undefined) throw run.failure;
}
