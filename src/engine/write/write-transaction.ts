/**
 * What was written since the last commit, and the commit of it: data and states together.
 *
 *   a table's batches ──> dirty ── commit ──> committed, and the callers that wait go on
 *                           └── a batch is refused ──> rolled back, and every table in it tries again
 *
 * Everything here runs in the order of the write queue.
 */
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Destination } from '../../destinations/destination';
import type { TableState } from '../../model/sync-state';
import { asksForLoadAnew, claimsRows, type TableRun } from '../plan';
import { CommitPacing } from './commit-pacing';
import { passWriting } from './pass-writing';
import type { WriteQueue } from './write-queue';

export interface WriteTransactionOptions {
  readonly destination: Destination;
  readonly queue: WriteQueue;
  /** Committed states of all tables, also of those that are not part of this sync. */
  readonly states: Map<string, TableState>;
  /** Tables of this sync that have not ended. */
  readonly openTables: () => number;
  /** After each commit, with every table's committed state. */
  readonly onCommitted: (states: ReadonlyMap<string, TableState>, seconds: number) => void;
  /** The destination cannot be used any more. */
  readonly onFatal: (error: ConnectorError) => void;
}

/** Finished tables wait this long for others to be committed with. */
const COMMIT_DELAY_MS = 250;

/** An uncommitted table takes some 34 kB of memory for each of its columns. */
const MOST_COLUMNS_WITHOUT_COMMIT = 2000;

/** In a row, of rows that were appended. */
const MOST_FAILED_COMMITS = 3;

interface CommitWaiter {
  resolve(): void;
  reject(error: ConnectorError): void;
}

export class WriteTransaction {
  /** Tables that wrote since the last commit. */
  private readonly dirty = new Set<TableRun>();
  /** Tables whose passes have begun and not ended. A rollback closes what the destination holds open for them. */
  private readonly open = new Set<TableRun>();
  /** Rows that no table's attempt would bring again, and that are not committed yet. */
  private appends: (() => Promise<void>)[] = [];
  private failedCommits = 0;
  private waiters: CommitWaiter[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Columns of the tables that were finished since the last commit. */
  private finishedColumns = 0;
  private readonly pacing: CommitPacing;

  constructor(private readonly options: WriteTransactionOptions) {
    this.pacing = new CommitPacing(options.destination);
  }

  /** The next commit records how far the table is. */
  add(run: TableRun): void {
    this.dirty.add(run);
  }

  passBegun(run: TableRun): void {
    this.dirty.add(run);
    this.open.add(run);
  }

  passEnded(run: TableRun): void {
    this.dirty.add(run);
    this.open.delete(run);
  }

  /** Adds rows that belong to no table's pass. */
  async append(add: () => Promise<void>): Promise<void> {
    await add();
    this.appends.push(add);
  }

  /** Adds a batch of so many bytes; returns whether it makes a commit due. */
  written(run: TableRun, bytes: number): boolean {
    this.pacing.written(bytes);
    return this.pacing.isDue(run);
  }

  /** Resolves when everything written so far is committed, rejects when it is rolled back. */
  committed(): Promise<void> {
    const committed = new Promise<void>((resolve, reject) => this.waiters.push({ resolve, reject }));
    // If the commit fails before anyone waits for it, an unhandled rejection would end the process.
    committed.catch(() => undefined);
    return committed;
  }

  /** Commits a finished table: at once where no other table is to come, else soon. */
  async commitSoon(run: TableRun): Promise<void> {
    this.commitLater();
    this.finishedColumns += run.destinationTable.columns.length;
    const nothingToWaitFor = this.options.openTables() <= this.waiters.length;
    if (nothingToWaitFor || this.finishedColumns > MOST_COLUMNS_WITHOUT_COMMIT) await this.commit();
  }

  private commitLater(): void {
    this.timer ??= setTimeout(
      () => void this.options.queue.run(() => this.commit()).catch(() => undefined),
      COMMIT_DELAY_MS,
    );
  }

  /** Where a load drops the present rows, the states must say so before it begins. */
  async giveUpRows(runs: readonly TableRun[], commit: boolean): Promise<void> {
    const { destination, states } = this.options;
    if (destination.loadsInPlace !== true) return;
    // The last committed state counts, not the run's: a rollback in between has dropped what was to be committed.
    const claiming = runs.filter((run) => claimsRows(states.get(run.key)));
    for (const run of claiming) {
      run.giveUpRows();
      this.dirty.add(run);
    }
    if (claiming.length > 0 && commit) await this.commit();
  }

  /** To be committed with what comes next. */
  async forgetLog(keys: readonly string[]): Promise<void> {
    const { destination, states } = this.options;
    for (const key of keys) {
      const state = states.get(key);
      if (state?.log == null) continue;
      const without = { ...state, log: null };
      states.set(key, without);
      await destination.putState(key, without);
    }
  }

  /** Runs a write; undefined when the attempt that it belongs to is over, by this write or before it. */
  async guarded<T>(run: TableRun, generation: number, task: () => Promise<T>): Promise<T | undefined> {
    if (run.generation !== generation) return undefined;
    try {
      return await task();
    } catch (error) {
      const failure = asConnectorError(error);
      if (failure.kind !== 'source' && !failure.ofTable) throw this.fatal(failure);
      await this.rollBack(run, failure);
      return undefined;
    }
  }

  /** What a failed attempt has applied must not be seen with another table's commit. */
  async attemptFailed(run: TableRun): Promise<void> {
    if (this.options.destination.halfDone?.has(run.key) === true) await this.rollBackAll(rolledBack());
  }

  /** Commits everything written so far. */
  async commit(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { destination, states } = this.options;
    // Each of these passes will end: an attempt that fails is taken back.
    if ((destination.halfDone?.size ?? 0) > 0) {
      this.commitLater();
      return;
    }
    this.finishedColumns = 0;
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
      const failure = asConnectorError(error);
      if (failure.kind === 'destination' && failure.retryable) return await this.commitFailed(failure);
      throw this.fatal(failure);
    }
    this.failedCommits = 0;
    this.appends = [];
    this.pacing.committed();
    for (const [run, entry] of entries) {
      run.committedAs(entry);
      if (entry === null) states.delete(run.key);
      else states.set(run.key, entry);
    }
    this.dirty.clear();
    this.options.onCommitted(states, (performance.now() - startedMs) / 1000);
    for (const waiter of this.waiters.splice(0)) waiter.resolve();
  }

  /** Nothing of it was kept. Its tables may succeed when they try again; what was appended is appended once more. */
  private async commitFailed(failure: ConnectorError): Promise<void> {
    const { appends } = this;
    this.failedCommits += 1;
    const isOver = appends.length > 0 && this.failedCommits >= MOST_FAILED_COMMITS;
    if (isOver || (appends.length === 0 && this.dirty.size === 0)) throw this.fatal(failure);
    await this.rollBackAll(tryAgain(failure));
    if (appends.length > 0) await this.commit();
  }

  /** Ends the sync: nothing is written any more. */
  fatal(thrown: ConnectorError): ConnectorError {
    // The cause cannot be found any more, so the error names the warehouse.
    const error =
      thrown.kind === 'source'
        ? new ConnectorError(thrown.message, { code: thrown.code, kind: 'destination', cause: thrown })
        : thrown;
    clearTimeout(this.timer);
    this.options.queue.fail(error);
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    this.options.onFatal(error);
    return error;
  }

  private async rollBack(culprit: TableRun, failure: ConnectorError): Promise<void> {
    await this.rollBackAll(rolledBack(), culprit, failure);
  }

  /** Every table goes back to the last commit, with `reason`; the culprit with its own failure. */
  private async rollBackAll(reason: ConnectorError, culprit?: TableRun, failure = reason): Promise<void> {
    try {
      await this.options.destination.rollback();
      for (const add of this.appends) await add();
    } catch (error) {
      throw this.fatal(asConnectorError(error));
    }
    if (culprit !== undefined) {
      if (asksForLoadAnew(failure)) culprit.giveUpRows();
      culprit.rolledBack(failure);
    }
    for (const run of new Set([...this.dirty, ...this.open])) if (run !== culprit) run.rolledBack(reason);
    this.dirty.clear();
    this.open.clear();
    for (const waiter of this.waiters.splice(0)) waiter.reject(reason);
  }

  /** Flushes the destination. Returns false if it rejected a batch and everything was rolled back. */
  private async flushed(): Promise<boolean> {
    const { destination } = this.options;
    for (const run of [...this.dirty]) {
      const done = await this.guarded(run, run.generation, async () => {
        await destination.flush?.(run.destinationTable);
        if (run.loadOpen) await passWriting(destination, run).beforeCommit(run.destinationTable);
        return true;
      });
      if (done !== true) return false;
    }
    return true;
  }
}

/** For the tables of a commit that another process made impossible. */
function tryAgain({ message, code, hint, cause }: ConnectorError): ConnectorError {
  return new ConnectorError(message, {
    code,
    kind: 'source',
    retryable: true,
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** No fault of the table that gets it, which only shared a transaction. */
export function rolledBack(): ConnectorError {
  return new ConnectorError("Another table's batch was refused, and the transaction they shared was rolled back.", {
    code: 'rolled_back',
    kind: 'source',
    retryable: true,
  });
}
