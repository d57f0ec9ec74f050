/**
 * One table, from its first statement to its place in the destination.
 *
 *   begin ──> read under a snapshot ──> (snapshot lost, too old, connection expired: again, the rest)
 *         └─> all in one statement          └─> more than one snapshot: catch up, drop what is gone
 *                                                     └──> finish: the load takes the table's place
 *
 * Reading ranges under several snapshots alone would miss rows: an update moves a row, perhaps from a range
 * not yet read to one already read. Every such row carries a transaction id at or after the first snapshot's
 * xmin, so the catch-up pass reads just those, under one snapshot, and replaces what the load has under
 * their keys. Rows deleted in between are found by comparing keys, under the same snapshot. After both, the
 * load is the table as of that last snapshot. Tables without a key are read under a single one, or anew.
 */
import { asConnectorError, ConnectorError, interrupted } from '../../common/errors';
import { retryDelaySeconds, sleep } from '../../common/retry';
import type { FinishedLoad } from '../../destinations/destination';
import { COPY_ALTERED } from '../../destinations/duckdb';
import type { TableReport } from '../../model/report';
import type { LoadProgress } from '../../model/sync-state';
import { isKnownSource } from '../../postgres/catalog';
import { monotonicClock, type Clock, type Session } from '../../postgres/connection';
import { CatchUp } from './catch-up';
import { ChangesPass } from './changes-pass';
import { finishedState } from './finished-state';
import { asksForLoadAnew, type TableRun } from '../plan';
import type { ProcessorOptions } from './processor-options';
import { readAtOnce, SnapshotReader } from './snapshot-reader';
import { countLeftOut, mayNameColumn, namingColumn } from './whole-table-questions';

export class DataProcessor {
  private readonly reader: SnapshotReader;
  private readonly catchUp: CatchUp;
  private readonly changes: ChangesPass;
  private readonly clock: Clock;

  constructor(private readonly options: ProcessorOptions) {
    this.clock = options.clock ?? monotonicClock;
    this.reader = new SnapshotReader(options, this.clock);
    this.catchUp = new CatchUp(options);
    this.changes = new ChangesPass(options, this.reader);
  }

  /** Processes a table; the caller holds one slot of the pool, which is given back. Rejects only with an interruption or a fatal error. */
  async process(run: TableRun): Promise<TableReport> {
    const { pool, logger, signal } = this.options;
    const started = this.clock();
    const attempts = Math.max(1, this.options.maxRetries);
    const report = (rows: number, error?: ConnectorError): TableReport => ({
      key: run.key,
      destinationTable: run.destinationTable.name,
      rows,
      seconds: (this.clock() - started) / 1000,
      ...(error === undefined ? {} : { error }),
    });
    let holdsSlot = true;
    const releaseSlot = (): void => {
      if (holdsSlot) pool.release();
      holdsSlot = false;
    };
    try {
      for (let attempt = 1, first = true; ; attempt += 1, first = false) {
        const rowsBefore = run.progress?.rows ?? 0;
        try {
          // What an earlier attempt had queued is written before anything is planned on it.
          if (!first) await this.options.writer.settled();
          const finished = await this.attempt(run, releaseSlot);
          if (finished.rows === 0 && run.selection.conditions.length > 0) {
            releaseSlot();
            await this.sayWhatWasLeftOut(run);
          }
          logger.info(
            `Successfully processed table ${run.key}: ${finished.rows} records${finished.deleted > 0 ? `, ${finished.deleted} marked deleted` : ''}`,
          );
          return report(finished.rows);
        } catch (thrown) {
          releaseSlot();
          // What stopped the readers explains more than how they stopped.
          const stopped = run.failure ?? asConnectorError(thrown);
          const error = signal.aborted ? stopped : await this.withColumn(run, stopped);
          if (signal.aborted) throw interrupted(`Interrupted while processing ${run.key}.`);
          if (error.kind === 'destination' || error.kind === 'internal') throw error;
          if (error.code === 'rolled_back' || asksForLoadAnew(error)) attempt -= 1;
          else if (error.code === COPY_ALTERED) {
            logger.warning(`${error.message.replace(/\.$/, '')}; ${run.key} is loaded from the start.`);
            run.startOver();
            attempt -= 1;
          } else {
            // Attempts count what brought nothing: a load that goes on from where it was has all of them again.
            if (run.resumable && (run.progress?.rows ?? 0) > rowsBefore) attempt = 1;
            logger.severe(`Error processing table ${run.key}, attempt ${attempt}/${attempts}: ${error.describe()}`);
            if (!error.retryable || attempt >= attempts) {
              if (error.retryable) logger.severe(`Max retries exceeded for table ${run.key}`);
              return report(0, error);
            }
            await this.backOff(run, attempt, attempts);
          }
          await pool.acquire(run.position, signal);
          holdsSlot = true;
        }
      }
    } finally {
      releaseSlot();
    }
  }

  /** The error with the name of the column that raises it, where one does. */
  private async withColumn(run: TableRun, error: ConnectorError): Promise<ConnectorError> {
    const { table } = run.planned;
    if (error.retryable || !mayNameColumn(error, table, run.selection)) return error;
    const { signal } = this.options;
    return (await this.ask(run, (session) => namingColumn(error, table, run.selection, session, signal))) ?? error;
  }

  /** A table that is empty because of a rule would look as if it were empty in the source. */
  private async sayWhatWasLeftOut(run: TableRun): Promise<void> {
    const { logger, signal } = this.options;
    const rows = await this.ask(run, (session) => countLeftOut(run.planned.table, run.selection, session, signal));
    if (rows === undefined || rows === 0) return;
    logger.warning(
      `No row of ${run.key} meets the condition of its rule, which leaves out all ${rows}; check "region" and "transformations".`,
    );
  }

  /** Asks the server something that the table does not depend on: undefined where there is no answer. */
  private async ask<T>(run: TableRun, question: (session: Session) => Promise<T>): Promise<T | undefined> {
    const { manager, pool, signal } = this.options;
    await pool.acquire(run.position, signal);
    try {
      const session = await manager.lease(signal);
      try {
        return await question(session);
      } finally {
        await manager.release(session);
      }
    } catch {
      return undefined;
    } finally {
      pool.release();
    }
  }

  private async backOff(run: TableRun, attempt: number, attempts: number): Promise<void> {
    const delay = retryDelaySeconds(attempt - 1, this.options.retrySleepSeconds, this.options.random);
    this.options.logger.warning(
      `Retrying ${run.key} after backoff ${delay.toFixed(2)}s (attempt ${attempt + 1}/${attempts})`,
    );
    this.options.onRetry(run, attempt, delay);
    await sleep(delay, this.options.signal);
  }

  private async attempt(run: TableRun, releaseSlot: () => void): Promise<FinishedLoad> {
    run.revive();
    const { writer } = this.options;
    if (run.pass.kind === 'load' && run.progress !== null) {
      const obstacle = whyAnew(run, run.progress);
      if (obstacle !== undefined) {
        this.options.logger.warning(`${run.key} ${obstacle} since its load began; it is read from the start.`);
        await writer.abandon(run);
      } else if (!run.resumable) await writer.abandon(run);
    }
    if (run.pass.kind === 'changes') {
      // Nothing of an earlier attempt is gone on with: changes are few, and applying them twice does no harm.
      if (!run.loadOpen) run.progress = null;
      const finished = await this.changes.run(run, releaseSlot);
      if (finished !== undefined) return finished;
    }
    let xmin = await readAtOnce(run, this.options);
    while (!run.pendingEmpty) {
      await this.reader.read(run);
      await writer.settled();
      this.rethrow(run);
    }
    let expectedRows = run.progress?.rows;
    // A load of which nothing was left to read when it was interrupted is of long ago, too.
    if (run.progress !== null && (run.progress.snapshots > 1 || !run.loadOpen)) {
      xmin = await this.catchUp.run(run);
      expectedRows = undefined;
    }
    await writer.settled();
    this.rethrow(run);
    // Everything is read: another table may have the connection while this one is written.
    releaseSlot();
    const finished = await writer.finish(run, (result, progress) =>
      finishedState(run, result, progress, xmin ?? progress.firstXmin, true),
    );
    if (expectedRows !== undefined && finished.rows !== expectedRows && !run.destinationTable.keysMayRepeat) {
      throw new ConnectorError(
        `${run.key}: ${expectedRows} rows were written, but the destination counts ${finished.rows}.`,
        { code: 'rows_lost', kind: 'internal' },
      );
    }
    return finished;
  }

  private rethrow(run: TableRun): void {
    if (run.failure !== undefined) throw run.failure;
  }
}

/** Whether the table is read from the start, rather than gone on with or by its changes. */
export function beginsAnew(run: TableRun): boolean {
  if (run.pass.kind !== 'load') return false;
  return run.progress === null || !run.resumable || whyAnew(run, run.progress) !== undefined;
}

/** Why what was read of a load cannot be gone on with. Transaction ids mean nothing to another server. */
function whyAnew(run: TableRun, progress: LoadProgress): string | undefined {
  if (progress.signature !== run.signature) return 'was altered';
  if (!isKnownSource(run.source)) return 'may have come to another server, which cannot be known,';
  if (progress.source !== run.source) return 'has come to another server, or to one that was restored or promoted,';
  return undefined;
}
