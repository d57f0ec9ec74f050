/**
 * The only code that writes: batches into the destination, progress into the state, and both into one commit.
 *
 * Progress advances in the order of writing. So at whatever moment a commit comes, the state says exactly which rows
 * the data holds. A commit comes at every checkpoint interval of a table, and after a finished table. Finished tables
 * are committed together when they follow one another closely, because a commit costs more than a small table. See
 * write-transaction.
 *
 * A batch that the destination refuses ends its table's attempt. The refusal costs the transaction, so every table that
 * wrote since the last commit, or is being written, goes back to it as well, and tries again.
 */
import { counted } from '../../common/counted';
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import type { Destination, DestinationTable, FinishedLoad } from '../../destinations/destination';
import { COPY_ALTERED } from '../../destinations/destination';
import type { PackedBatch } from '../../model/packed-batch';
import type { OperationCounts, SyncObserver } from '../../model/report';
import type { LoadProgress, LogPosition, TableState } from '../../model/sync-state';
import type { TidRange } from '../../model/tid-range';
import type { TableRun } from '../plan';
import { passWriting, type PassWriting } from './pass-writing';
import { WriteQueue, type QueueLimits } from './write-queue';
import { rolledBack, WriteTransaction, type WriteTransactionOptions } from './write-transaction';

export interface WriterOptions extends Pick<
  WriteTransactionOptions,
  'destination' | 'openTables' | 'onCommitted' | 'onFatal'
> {
  readonly logger: Logger;
  readonly queueBytes: number;
  /** The share of the queue that memory pressure leaves, above 0 and up to 1. */
  readonly queueShare: () => number;
  readonly onWritten: (run: TableRun, rows: number, bytes: number) => void;
  readonly observer?: Pick<SyncObserver, 'tableResumed' | 'tableRead'>;
}

/** Codes of errors that come before anything was done to the table. */
const UNTOUCHED: ReadonlySet<string> = new Set([COPY_ALTERED, 'view_in_place']);

export class Writer {
  readonly counts: OperationCounts = {
    upserts: 0,
    updates: 0,
    deletes: 0,
    truncates: 0,
    schemaChanges: 0,
    checkpoints: 0,
  };
  private readonly queue = new WriteQueue();
  private readonly transaction: WriteTransaction;

  constructor(
    private readonly options: WriterOptions,
    /** Committed states of all tables, also of those that are not part of this sync. */
    states: Map<string, TableState>,
  ) {
    this.transaction = new WriteTransaction({ ...options, queue: this.queue, states });
  }

  /** See `Destination.comparesKeys`. */
  get comparesKeys(): boolean {
    return this.options.destination.comparesKeys !== false;
  }

  /**
   * See `Destination.takesBinary`. It holds for rows that no rule of ours changes, and changes only once their pass has
   * begun.
   */
  takesBinary(run: TableRun): boolean {
    const { destination } = this.options;
    const { destinationTable, selection } = run;
    if (!run.loadOpen && !this.writing(run).binaryBeforeBegin) return false;
    return selection.batchRules.length === 0 && destination.takesBinary?.(destinationTable) === true;
  }

  /** Begins a pass: a load, the committed part of one to resume, or a pass over changes. */
  async begin(run: TableRun, progress: LoadProgress, resume: boolean): Promise<void> {
    const { generation } = run;
    await this.inOrder(run, generation, async () => {
      // A load commits on its way, which would show what a pass over changes has left.
      if (!run.readsChanges && this.options.destination.halfDone?.has(run.key) === true) throw rolledBack();
      const stamp = { startedAt: new Date(progress.startedAt) };
      if (!run.readsChanges && !resume) await this.transaction.giveUpRows([run], true);
      await this.writing(run).begin(run.destinationTable, stamp, resume);
      run.begun(progress);
      this.transaction.passBegun(run);
      if (resume) this.sayResumed(run, progress);
    });
  }

  /** Announces tables that will be loaded from the start, so that one commit says so of all of them. */
  async announceLoads(runs: readonly TableRun[]): Promise<void> {
    await this.queue.run(() => this.transaction.giveUpRows(runs, false));
  }

  async commitProgress(run: TableRun, progress: LoadProgress): Promise<void> {
    await this.inOrder(run, attemptOf(run), async () => {
      run.continued(progress);
      this.transaction.add(run);
      await this.transaction.commit();
    });
  }

  /** Queues a batch that covers `range`; waits only for room. */
  async batch(run: TableRun, batch: PackedBatch, relationOid: number, range: TidRange): Promise<void> {
    await this.push(run, batch, async () => {
      await this.writing(run).write(run.destinationTable, batch);
      run.advance(relationOid, range, batch.rowCount);
    });
  }

  /** Queues a batch of newer versions of rows. */
  async latest(run: TableRun, batch: PackedBatch): Promise<void> {
    await this.push(run, batch, () => this.options.destination.writeLatest(run.destinationTable, batch));
  }

  async beginKeys(run: TableRun): Promise<void> {
    await this.inOrder(run, attemptOf(run), () => this.options.destination.beginKeys(run.destinationTable));
  }

  async keys(run: TableRun, batch: PackedBatch): Promise<void> {
    const limits = this.limits(Infinity);
    const generation = attemptOf(run);
    await this.queue.push(batch.rowCount, batch.bytes, limits, () =>
      this.transaction.guarded(run, generation, () =>
        this.options.destination.collectKeys(run.destinationTable, batch),
      ),
    );
  }

  async keepOnlyKeys(run: TableRun): Promise<number> {
    return await this.inOrder(run, attemptOf(run), async () => {
      const removed = await this.options.destination.keepOnlyKeys(run.destinationTable);
      // Where others write too, rows are committed with their table's state only, which tells whose they are.
      this.transaction.add(run);
      return removed;
    });
  }

  /** See `Destination.countGroups`. */
  async countGroups(run: TableRun, column: string): ReturnType<NonNullable<Destination['countGroups']>> {
    return await this.inOrder(run, attemptOf(run), async () => {
      return await this.options.destination.countGroups?.(run.destinationTable, column);
    });
  }

  async markMissing(run: TableRun, within?: Parameters<Destination['markMissing']>[1]): Promise<number> {
    return await this.inOrder(run, attemptOf(run), async () => {
      const marked = await this.options.destination.markMissing(run.destinationTable, within);
      this.counts.deletes += marked;
      return marked;
    });
  }

  /** See `Destination.markDeleted`. `check` is told of how many were marked, and may throw: then none of them are. */
  async markDeleted(run: TableRun, keys: readonly PackedBatch[], check: (marked: number) => void): Promise<number> {
    return await this.inOrder(run, attemptOf(run), async () => {
      const marked = await this.options.destination.markDeleted(run.destinationTable, keys);
      check(marked);
      this.counts.deletes += marked;
      return marked;
    });
  }

  /** Rows in the destination that are not marked deleted; undefined where it cannot count them. */
  async countRows(run: TableRun): Promise<number | undefined> {
    return await this.inOrder(run, attemptOf(run), async () => {
      const counts = await this.options.destination.countRows?.([run.destinationTable]);
      return counts?.[0];
    });
  }

  /** See `RowCounter.countsStay`. */
  get countsStay(): boolean {
    return this.options.destination.countsStay === true;
  }

  /** The same for many tables that have no pass yet. */
  async countTables(runs: readonly TableRun[]): Promise<readonly number[] | undefined> {
    return await this.queue.run(async () => {
      return await this.options.destination.countRows?.(runs.map(({ destinationTable }) => destinationTable));
    });
  }

  async abandon(run: TableRun): Promise<void> {
    await this.inOrder(run, attemptOf(run), async () => {
      await this.options.destination.abandonLoad(run.destinationTable);
      await this.transaction.giveUpRows([run], false);
      run.abandoned();
      this.transaction.passEnded(run);
    });
  }

  /** An attempt has ended with an error; another one may follow. */
  async attemptFailed(run: TableRun): Promise<void> {
    await this.queue.run(() => this.transaction.attemptFailed(run));
  }

  /** Ends the pass: a load takes its table's place, changes are applied. Resolves when that is committed. */
  async finish(
    run: TableRun,
    describe: (finished: FinishedLoad, progress: LoadProgress) => TableState,
  ): Promise<FinishedLoad> {
    const generation = attemptOf(run);
    let committed: Promise<void> | undefined;
    const finished = await this.inOrder(run, generation, async () => {
      const { progress } = run;
      if (progress === null)
        throw new ConnectorError(`No load of ${run.key} to finish.`, { code: 'no_load', kind: 'internal' });
      this.options.observer?.tableRead?.(run.planned);
      const result = await this.writing(run).finish(run.destinationTable);
      run.ended(describe(result, progress));
      this.transaction.passEnded(run);
      this.counts.deletes += result.deleted;
      this.counts.checkpoints += 1;
      committed = this.transaction.committed();
      await this.transaction.commitSoon(run);
      return result;
    });
    await committed;
    return finished;
  }

  /** Commits a state for a table of which nothing was written. */
  async keep(run: TableRun, state: TableState): Promise<void> {
    let committed: Promise<void> | undefined;
    await this.inOrder(run, attemptOf(run), async () => {
      run.ended(state);
      this.transaction.passEnded(run);
      committed = this.transaction.committed();
      await this.transaction.commitSoon(run);
    });
    await committed;
  }

  /** The log is known up to `position` of all tables but these: of them nothing is known of it any more. */
  async logKnown(position: LogPosition, outdated: readonly string[]): Promise<void> {
    await this.queue.run(async () => {
      await this.transaction.forgetLog(outdated);
      await this.options.destination.putLogPosition?.(position);
      await this.transaction.commit();
    });
  }

  /** Adds rows to a table that only grows; the next commit includes them. */
  async append(table: DestinationTable, batch: PackedBatch, startedAt: Date): Promise<void> {
    await this.queue.run(async () => {
      try {
        await this.transaction.append(() => this.options.destination.append(table, batch, { startedAt }));
      } catch (thrown) {
        const error = asConnectorError(thrown);
        if (!UNTOUCHED.has(error.code)) throw this.transaction.fatal(error);
        this.options.logger.warning(`Nothing is added to ${table.name}: ${error.describe()}`);
        return;
      }
      this.counts.upserts += batch.rowCount;
    });
  }

  /** Resolves when everything queued before has been written. */
  async settled(): Promise<void> {
    await this.queue.run(() => Promise.resolve());
  }

  /** Commits everything written so far. */
  async commit(): Promise<void> {
    await this.queue.run(() => this.transaction.commit());
  }

  private sayResumed(run: TableRun, { startedAt, rows }: LoadProgress): void {
    const { estimatedRows } = run.planned.table;
    const begun = startedAt.slice(0, 19).replace('T', ' ');
    this.options.logger.info(
      `Going on with the load of ${run.key} that began ${begun} UTC: ${rows} of about ${counted(Math.max(estimatedRows, rows), 'row')} are there already`,
    );
    this.options.observer?.tableResumed?.(run.planned, rows);
  }

  private writing(run: TableRun): PassWriting {
    return passWriting(this.options.destination, run);
  }

  private limits(rows: number): QueueLimits {
    const share = this.options.queueShare();
    return { rows: rows * share, bytes: this.options.queueBytes * share };
  }

  private async push(run: TableRun, batch: PackedBatch, write: () => Promise<void>): Promise<void> {
    const generation = attemptOf(run);
    const limits = this.limits(run.planned.queueRows);
    await this.queue.push(batch.rowCount, batch.bytes, limits, () =>
      this.transaction.guarded(run, generation, async () => {
        await write();
        this.transaction.add(run);
        this.counts.upserts += batch.rowCount;
        run.wrote(batch.rowCount);
        const isDue = this.transaction.written(run, batch.bytes);
        this.options.onWritten(run, batch.rowCount, batch.bytes);
        if (!isDue) return;
        this.counts.checkpoints += 1;
        const rows = run.progress?.rows ?? 0;
        this.options.logger.info(`Checkpointing ${run.key} after ${counted(rows, 'record')}`, {
          table: run.key,
          rows,
        });
        await this.transaction.commit();
      }),
    );
  }

  private async inOrder<T>(run: TableRun, generation: number, task: () => Promise<T>): Promise<T> {
    return await this.queue.run(async () => {
      const outcome = await this.transaction.guarded(run, generation, async () => ({ value: await task() }));
      if (outcome === undefined) throw run.failure ?? rolledBack();
      return outcome.value;
    });
  }
}

/** Belongs to the attempt that asks. A reader that has not yet noticed a rollback must not act for the next attempt. */
function attemptOf(run: TableRun): number {
  if (run.failure !== undefined) throw run.failure;
  return run.generation;
}
