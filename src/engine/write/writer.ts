/**
 * The only one who writes: batches into the destination, progress into the state, and both into one commit.
 *
 * Progress advances in the order of writing, so that whatever moment a commit falls on, the state says
 * exactly which rows the data holds. A commit falls on every checkpoint interval of a table, and after a
 * finished table; finished tables are committed together when they follow one another closely, since a
 * commit costs more than a small table.
 *
 * A batch that the destination refuses ends its table's attempt. The refusal costs the transaction, so every
 * table that wrote since the last commit, or is being written, goes back to it as well, and tries again.
 */
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import type { Destination, DestinationTable, FinishedLoad } from '../../destinations/destination';
import { COPY_ALTERED } from '../../destinations/duckdb';
import type { PackedBatch } from '../../model/packed-batch';
import type { OperationCounts } from '../../model/report';
import type { LoadProgress, TableState } from '../../model/sync-state';
import type { TidRange } from '../../model/tid-range';
import { CommitPacing } from './commit-pacing';
import { asksForLoadAnew, claimsRows, type TableRun } from '../plan';
import { passWriting, type PassWriting } from './pass-writing';
import { WriteQueue, type QueueLimits } from './write-queue';

export interface WriterOptions {
  readonly destination: Destination;
  readonly logger: Logger;
  readonly queueBytes: number;
  /** What memory pressure leaves of the queue, above 0 and up to 1. */
  readonly queueShare: () => number;
  /** After each commit, with every table's committed state. */
  readonly onCommitted: (states: ReadonlyMap<string, TableState>, seconds: number) => void;
  readonly onWritten: (run: TableRun, rows: number, bytes: number) => void;
  /** Tables of this sync that have not ended. */
  readonly openTables: () => number;
  /** The destination is of no further use. */
  readonly onFatal: (error: ConnectorError) => void;
}

/** Finished tables wait this long for others to be committed with. */
const COMMIT_DELAY_MS = 250;

/** An uncommitted table takes some 34 kB of memory for each of its columns. */
const MOST_COLUMNS_WITHOUT_COMMIT = 2000;

/** Codes of errors of a table that came before anything was done to it. */
const UNTOUCHED: ReadonlySet<string> = new Set([COPY_ALTERED, 'view_in_place']);

interface CommitWaiter {
  resolve(): void;
  reject(error: ConnectorError): void;
}

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
  /** They wrote since the last commit. */
  private readonly dirty = new Set<TableRun>();
  /** Their passes have begun and not ended: what the destination holds open for them, a rollback closes. */
  private readonly open = new Set<TableRun>();
  private waiters: CommitWaiter[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Of the tables that were finished since the last commit. */
  private finishedColumns = 0;
  private readonly pacing: CommitPacing;

  constructor(
    private readonly options: WriterOptions,
    /** Committed states of all tables, also of those that are not part of this sync. */
    private readonly states: Map<string, TableState>,
  ) {
    this.pacing = new CommitPacing(options.destination);
  }

  /** See `Destination.comparesKeys`. */
  get comparesKeys(): boolean {
    return this.options.destination.comparesKeys !== false;
  }

  /** See `Destination.takesBinary`; of rows that pass through no rule of ours. Changes only once their pass has begun. */
  takesBinary(run: TableRun): boolean {
    const { destination } = this.options;
    const { destinationTable, selection } = run;
    if (!run.loadOpen && !this.writing(run).binaryBeforeBegin) return false;
    return selection.batchRules.length === 0 && destination.takesBinary?.(destinationTable) === true;
  }

  /** Begins a pass: a load, the committed part of one to go on with, or a pass over changes. */
  async begin(run: TableRun, progress: LoadProgress, resume: boolean): Promise<void> {
    const { generation } = run;
    await this.inOrder(run, generation, async () => {
      const stamp = { startedAt: new Date(progress.startedAt) };
      if (!run.readsChanges && !resume) await this.giveUpRows([run], true);
      await this.writing(run).begin(run.destinationTable, stamp, resume);
      run.begun(progress);
      this.dirty.add(run);
      this.open.add(run);
    });
  }

  /** These tables will be loaded from the start: the next commit says so of all of them, rather than one for each. */
  async announceLoads(runs: readonly TableRun[]): Promise<void> {
    await this.queue.run(() => this.giveUpRows(runs, false));
  }

  async commitProgress(run: TableRun, progress: LoadProgress): Promise<void> {
    await this.inOrder(run, attemptOf(run), async () => {
      run.continued(progress);
      this.dirty.add(run);
      await this.commitNow();
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
      this.guarded(run, generation, () => this.options.destination.collectKeys(run.destinationTable, batch)),
    );
  }

  async keepOnlyKeys(run: TableRun): Promise<number> {
    return await this.inOrder(run, attemptOf(run), () => this.options.destination.keepOnlyKeys(run.destinationTable));
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

  /** Rows in the destination that are not marked deleted; undefined where it cannot count them. */
  async countRows(run: TableRun): Promise<number | undefined> {
    return await this.inOrder(run, attemptOf(run), async () => {
      const counts = await this.options.destination.countRows?.([run.destinationTable]);
      return counts?.[0];
    });
  }

  /** The same for many tables that no pass has been begun of. */
  async countTables(runs: readonly TableRun[]): Promise<readonly number[] | undefined> {
    return await this.queue.run(async () => {
      return await this.options.destination.countRows?.(runs.map(({ destinationTable }) => destinationTable));
    });
  }

  async abandon(run: TableRun): Promise<void> {
    await this.inOrder(run, attemptOf(run), async () => {
      await this.options.destination.abandonLoad(run.destinationTable);
      await this.giveUpRows([run], false);
      run.abandoned();
      this.dirty.add(run);
      this.open.delete(run);
    });
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
      const result = await this.writing(run).finish(run.destinationTable);
      run.ended(describe(result, progress));
      this.dirty.add(run);
      this.open.delete(run);
      this.counts.deletes += result.deleted;
      this.counts.checkpoints += 1;
      committed = new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
      // Where the commit below fails, nobody comes to wait for it, and a rejection that nobody hears ends the process.
      committed.catch(() => undefined);
      this.timer ??= setTimeout(() => void this.commit().catch(() => undefined), COMMIT_DELAY_MS);
      this.finishedColumns += run.destinationTable.columns.length;
      const nothingToWaitFor = this.options.openTables() <= this.waiters.length;
      if (nothingToWaitFor || this.finishedColumns > MOST_COLUMNS_WITHOUT_COMMIT) await this.commitNow();
      return result;
    });
    await committed;
    return finished;
  }

  /** Rows for a table that only grows; committed with the next commit. */
  async append(table: DestinationTable, batch: PackedBatch, startedAt: Date): Promise<void> {
    await this.queue.run(async () => {
      try {
        await this.options.destination.append(table, batch, { startedAt });
      } catch (thrown) {
        const error = asConnectorError(thrown);
        if (!UNTOUCHED.has(error.code)) throw this.fatal(error);
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
    await this.queue.run(() => this.commitNow());
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
      this.guarded(run, generation, async () => {
        await write();
        this.dirty.add(run);
        this.counts.upserts += batch.rowCount;
        run.wrote(batch.rowCount);
        this.pacing.written(batch.bytes);
        this.options.onWritten(run, batch.rowCount, batch.bytes);
        if (!this.pacing.isDue(run)) return;
        this.counts.checkpoints += 1;
        this.options.logger.info(`Checkpointing ${run.key} after ${run.progress?.rows ?? 0} records`);
        await this.commitNow();
      }),
    );
  }

  /** Where a load takes away what is there, the states must say so before it begins. */
  private async giveUpRows(runs: readonly TableRun[], commit: boolean): Promise<void> {
    const { destination } = this.options;
    if (destination.loadsInPlace !== true) return;
    // As last committed, not as the run has it: a rollback in between has dropped what was to be committed.
    const claiming = runs.filter((run) => claimsRows(this.states.get(run.key)));
    for (const run of claiming) {
      run.giveUpRows();
      this.dirty.add(run);
    }
    if (claiming.length > 0 && commit) await this.commitNow();
  }

  private async inOrder<T>(run: TableRun, generation: number, task: () => Promise<T>): Promise<T> {
    return await this.queue.run(async () => {
      const outcome = await this.guarded(run, generation, async () => ({ value: await task() }));
      if (outcome === undefined) throw run.failure ?? rolledBack();
      return outcome.value;
    });
  }

  /** Runs a write; undefined when the table's attempt it belongs to is over, by this write or before it. */
  private async guarded<T>(run: TableRun, generation: number, task: () => Promise<T>): Promise<T | undefined> {
    if (run.generation !== generation) return undefined;
    try {
      return await task();
    } catch (error) {
      const failure = asConnectorError(error);
      if (failure.kind !== 'source') throw this.fatal(failure);
      await this.rollBack(run, failure);
      return undefined;
    }
  }

  private async rollBack(culprit: TableRun, failure: ConnectorError): Promise<void> {
    try {
      await this.options.destination.rollback();
    } catch (error) {
      throw this.fatal(asConnectorError(error));
    }
    if (asksForLoadAnew(failure)) culprit.giveUpRows();
    culprit.rolledBack(failure);
    for (const run of new Set([...this.dirty, ...this.open])) {
      if (run === culprit) continue;
      run.rolledBack(rolledBack());
    }
    this.dirty.clear();
    this.open.clear();
    for (const waiter of this.waiters.splice(0)) waiter.reject(rolledBack());
  }

  private async commitNow(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.finishedColumns = 0;
    const { destination } = this.options;
    const startedMs = performance.now();
    if (!(await this.flushed())) return;
    const entries = new Map<TableRun, TableState | null>();
    try {
      for (const run of this.dirty) {
        const entry = run.stateToCommit();
        entries.set(run, entry);
        await destination.putState(run.key, entry);
      }
      await destination.commit();
    } catch (error) {
      throw this.fatal(asConnectorError(error));
    }
    this.pacing.committed();
    for (const [run, entry] of entries) {
      run.committedAs(entry);
      if (entry === null) this.states.delete(run.key);
      else this.states.set(run.key, entry);
    }
    this.dirty.clear();
    this.options.onCommitted(this.states, (performance.now() - startedMs) / 1000);
    for (const waiter of this.waiters.splice(0)) waiter.resolve();
  }

  /** Nothing waits for the commit any more. False: the destination refused some of a table's, and all is rolled back. */
  private async flushed(): Promise<boolean> {
    for (const run of [...this.dirty]) {
      const done = await this.guarded(run, run.generation, async () => {
        const { destination } = this.options;
        await destination.flush?.(run.destinationTable);
        if (run.loadOpen) await this.writing(run).beforeCommit(run.destinationTable);
        return true;
      });
      if (done !== true) return false;
    }
    return true;
  }

  private fatal(thrown: ConnectorError): ConnectorError {
    // Whose fault it is cannot be told any more: the warehouse's, for whoever reads it.
    const error =
      thrown.kind === 'source'
        ? new ConnectorError(thrown.message, { code: thrown.code, kind: 'destination', cause: thrown })
        : thrown;
    clearTimeout(this.timer);
    this.queue.fail(error);
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    this.options.onFatal(error);
    return error;
  }
}

/** Of the attempt that asks. A reader that has not yet noticed a rollback must not be taken for the next attempt. */
function attemptOf(run: TableRun): number {
  if (run.failure !== undefined) throw run.failure;
  return run.generation;
}

/** Not a fault of the table that gets it: it only shared a transaction. */
function rolledBack(): ConnectorError {
  return new ConnectorError("Another table's batch was refused, and the transaction they shared was rolled back.", {
    code: 'rolled_back',
    kind: 'source',
    retryable: true,
  });
}
