/** Prepares a pass over a table under its snapshot: a new load, the rest of one, or changes. */
import { ConnectorError } from '../../common/errors';
import type { LoadProgress, RelationMark, RelationProgress, TableState } from '../../model/sync-state';
import type { Relation } from '../../model/table';
import { blockRange, type TidRange } from '../../model/tid-range';
import { presentRelations, oldestTransactionStart, watermarkOf } from '../../postgres/catalog';
import type { Session } from '../../postgres/connection';
import { statesUnder, type SnapshotInfo } from '../../postgres/read';
import { compareKeys, markKeys, remembersKeys } from './kept-keys';
import type { ProcessorOptions } from './processor-options';
import { unseenFrom, xidsComparable, type PassPlan, type TableRun } from '../plan';
import { PassBeginning } from './pass-beginning';
import { takeSnapshot } from './take-snapshot';

/** A relation that is read by a cursor is one range, pending or done. */
export const WHOLE: TidRange = { lo: 0, hi: 1 };

export interface PassSnapshot extends SnapshotInfo {
  /** See postgres/catalog/watermark; null where no watermark needs it. */
  readonly oldestStart: string | null;
}

export class PassPreparation {
  constructor(private readonly options: ProcessorOptions) {}

  /** Begins the transaction that the pass is read in. */
  async takeSnapshot(run: TableRun, session: Session, signal: AbortSignal): Promise<PassSnapshot> {
    const asksForTransactions =
      run.decision.replicationKey !== null && this.options.timestampWindowSeconds === undefined;
    const oldestStart = asksForTransactions ? await oldestTransactionStart(session, signal) : null;
    return { ...(await takeSnapshot(run, session, signal)), oldestStart };
  }

  /** The work of the pass under this snapshot. A load has begun; a pass over changes begins with its first row. */
  async prepare(run: TableRun, session: Session, snapshot: PassSnapshot, signal: AbortSignal): Promise<PassBeginning> {
    run.replan(await presentRelations(session, run.planned.table, signal));
    const present = await this.presentRelations(run, session, snapshot, signal);
    if (run.readsChanges && !this.canReadChanges(run, snapshot)) run.changePass({ kind: 'full-load' });
    if (run.progress !== null && (await this.goOn(run, session, present, snapshot, signal)))
      return PassBeginning.begun(this.options.writer, run, run.progress);
    if (run.readsChanges) this.planChanges(run, present, snapshot);
    const progress: LoadProgress = {
      startedAt: startOfPass(run),
      signature: run.signature,
      source: run.source,
      firstXmin: snapshot.xmin,
      watermark: await watermarkOf(
        session,
        run.planned.table,
        {
          key: run.decision.replicationKey,
          oldestStart: snapshot.oldestStart,
          windowSeconds: this.options.timestampWindowSeconds,
        },
        signal,
      ),
      snapshots: 1,
      rows: 0,
      ...(!run.readsChanges && remembersKeys(run, this.options.writer.comparesKeys)
        ? { keys: await markKeys(session, run, snapshot.xmin, signal) }
        : {}),
      relations: present,
    };
    const beginning = new PassBeginning(this.options.writer, run, progress);
    if (!run.readsChanges) await beginning.begin();
    return beginning;
  }

  private async presentRelations(
    run: TableRun,
    session: Session,
    snapshot: SnapshotInfo,
    signal: AbortSignal,
  ): Promise<RelationProgress[]> {
    const { relations } = run.planned.table;
    const states = await statesUnder(session, snapshot, relations, signal);
    return relations.map((relation): RelationProgress => {
      const state = states.get(relation.oid);
      if (state === undefined) throw relationGone(run, relation);
      const blocks: TidRange[] = state.blocks === 0 ? [] : [blockRange(0, state.blocks)];
      const { fileNode, deletes } = state;
      const pending = relation.rangeReadable ? blocks : [WHOLE];
      return { oid: relation.oid, fileNode, ...(deletes === undefined ? {} : { deletes }), pending };
    });
  }

  /** Whether the rest of the pass can be read under another snapshot than the part that is read. */
  private async goOn(
    run: TableRun,
    session: Session,
    present: readonly RelationProgress[],
    snapshot: SnapshotInfo,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { progress } = run;
    if (progress === null || !run.resumable) return false;
    if (!sameMarks(progress.relations, present) || !xidsComparable(progress.firstXmin, snapshot.xmin)) {
      this.options.logger.warning(
        `${run.key} was rewritten, or too many transactions have passed, since its load began; it is read from the start.`,
      );
      return false;
    }
    const { kept, now } = await compareKeys(session, run, progress, snapshot.xmin, signal);
    if (kept === false && run.ofEarlierSyncs) {
      this.options.logger.warning(
        `${run.key} has changed since an earlier sync began to load it, and which of the rows that were sent have gone cannot be told; it is read from the start.`,
      );
      return false;
    }
    const { writer } = this.options;
    const next = { ...progress, snapshots: progress.snapshots + 1, ...(now === undefined ? {} : { keys: now }) };
    if (!run.loadOpen) await writer.begin(run, next, true);
    // A later sync must know before the first row is sent that the earlier snapshot did not have.
    if (now !== progress.keys) await writer.commitProgress(run, next);
    else run.continued(next);
    return true;
  }

  private canReadChanges(run: TableRun, snapshot: SnapshotInfo): boolean {
    if (run.pass.kind === 'by-timestamp') return true;
    const since = run.committed === null ? null : unseenFrom(run.committed);
    if (since !== null && xidsComparable(since, snapshot.xmin)) return true;
    this.options.logger.warning(
      `${run.key} was last synced at a transaction id that can no longer be compared with the present; it is loaded from the start.`,
    );
    return false;
  }

  private byTransactionIds(committed: TableState, snapshot: SnapshotInfo): PassPlan {
    const since = unseenFrom(committed);
    return since !== null && xidsComparable(since, snapshot.xmin)
      ? { kind: 'by-xmin', proof: 'count' }
      : { kind: 'full-load' };
  }

  /** Finds relations that are new, gone or rewritten, which transaction ids alone do not show. */
  private planChanges(run: TableRun, present: readonly RelationMark[], snapshot: SnapshotInfo): void {
    const { committed, pass } = run;
    if (committed === null || (pass.kind !== 'by-xmin' && pass.kind !== 'by-timestamp')) return;
    const known = new Map(committed.relations.map(({ oid, fileNode }) => [oid, fileNode]));
    run.readRelationsWhole(new Set(present.filter(({ oid }) => !known.has(oid)).map(({ oid }) => oid)));
    const rewritten = present.some(({ oid, fileNode }) => known.has(oid) && known.get(oid) !== fileNode);
    const gone = committed.relations.some(({ oid }) => !present.some((relation) => relation.oid === oid));
    // No part of a table that is read through its root can be read by itself.
    const throughRoot = run.planned.table.throughRoot !== undefined;
    if (throughRoot && (rewritten || gone || run.readWhole.size > 0)) {
      this.options.logger.info(
        `${run.key} has other partitions or children than at its last sync; it is loaded from the start.`,
      );
      run.changePass({ kind: 'full-load' });
    } else if ((rewritten || gone) && !this.options.writer.comparesKeys) {
      this.options.logger.warning(
        `${run.key} was rewritten, truncated or lost a partition; it is loaded from the start.`,
      );
      run.changePass({ kind: 'full-load' });
    } else if (rewritten || gone) {
      // TRUNCATE and DETACH leave no row behind whose transaction id would show them.
      this.options.logger.warning(
        `${run.key} was rewritten, truncated or lost a partition; its keys are compared after its changes.`,
      );
      run.changePass({ ...pass, proof: pass.proof === 'none' ? 'count' : pass.proof });
      // Rows of a table that was filled again may have old times, but not old transaction ids.
      if (rewritten && pass.kind === 'by-timestamp') run.changePass(this.byTransactionIds(committed, snapshot));
    }
  }
}

/**
 * Strictly after the last pass, whatever the clock says, because the time tells the rows of one pass from another's.
 */
export function startOfPass(run: TableRun): string {
  const last = run.committed?.lastSyncedAt;
  const earliest = last === null || last === undefined ? 0 : Date.parse(last) + 1;
  return new Date(Math.max(Date.now(), earliest)).toISOString();
}

function sameMarks(before: readonly RelationMark[], now: readonly RelationMark[]): boolean {
  const identity = (marks: readonly RelationMark[]): string =>
    marks
      .map(({ oid, fileNode }) => `${oid}:${fileNode}`)
      .sort()
      .join();
  return identity(before) === identity(now);
}

function relationGone(run: TableRun, relation: Relation): ConnectorError {
  return new ConnectorError(`${relation.schema}.${relation.name}, part of ${run.key}, no longer exists.`, {
    code: 'table_missing',
    kind: 'source',
    sqlState: '42P01',
    hint: 'The table was dropped or renamed after discovery; the next sync will not look for it.',
  });
}
