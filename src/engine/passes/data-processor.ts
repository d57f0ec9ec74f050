/**
 * One table, from its first statement to its place in the destination: attempts of its pass, until one succeeds or
 * trying again makes no sense. Only attempts without progress count; progress resets the counter.
 */
import { counted } from '../../common/counted';
import { asConnectorError, endsRun, errorFields, interrupted, type ConnectorError } from '../../common/errors';
import { retryDelaySeconds, sleep } from '../../common/retry';
import { COPY_ALTERED } from '../../destinations/destination';
import type { TableReport } from '../../model/report';
import { monotonicClock, type Clock, type Session } from '../../postgres/connection';
import { asksForLoadAnew, type PassPlan, type TableRun } from '../plan';
import { JointReading } from './joint-reading';
import type { Pass, PassResult } from './pass';
import { createPasses } from './passes';
import type { ProcessorOptions } from './processor-options';
import { countLeftOut, mayNameColumn, namingColumn } from './whole-table-questions';

export class DataProcessor {
  private readonly passes: Readonly<Record<PassPlan['kind'], Pass>>;
  private readonly clock: Clock;
  private readonly joint: JointReading;

  constructor(private readonly options: ProcessorOptions) {
    this.clock = options.clock ?? monotonicClock;
    this.joint = new JointReading(options);
    this.passes = createPasses({ ...options, joint: this.joint }, this.clock);
  }

  /** The tables that will be processed, in their order. */
  expect(runs: readonly TableRun[]): void {
    this.joint.expect(runs);
  }

  /** Processes a table; the caller holds one slot of the pool, which is given back. Rejects only with an interruption or a fatal error. */
  async process(run: TableRun): Promise<TableReport> {
    const { pool, logger, signal } = this.options;
    const started = this.clock();
    const attempts = Math.max(1, this.options.maxRetries);
    const report = (
      { changed, deleted }: Pick<PassResult, 'changed' | 'deleted'>,
      error?: ConnectorError,
    ): TableReport => ({
      key: run.key,
      destinationTable: run.destinationTable.name,
      rows: changed,
      deleted,
      mode: run.decision.mode,
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
          // Batches that an earlier attempt queued are written before anything is planned on them.
          if (!first) await this.options.writer.settled();
          const finished = await this.attempt(run, releaseSlot);
          if (finished.rows === 0 && run.selection.conditions.length > 0) {
            releaseSlot();
            await this.sayWhatWasLeftOut(run);
          }
          this.sayResult(run, finished);
          return report(finished);
        } catch (thrown) {
          releaseSlot();
          // The reason why the readers were stopped explains more than the error they ended with.
          const stopped = run.failure ?? asConnectorError(thrown);
          await this.options.writer.attemptFailed(run);
          const error = signal.aborted ? stopped : await this.withColumn(run, stopped);
          this.options.onNews(run);
          if (signal.aborted) throw interrupted(`Interrupted while processing ${run.key}.`);
          if (endsRun(error)) throw error;
          if (error.code === 'rolled_back' || asksForLoadAnew(error)) attempt -= 1;
          else if (error.code === COPY_ALTERED) {
            logger.warning(`${error.message.replace(/\.$/, '')}; ${run.key} is loaded from the start.`, {
              table: run.key,
            });
            run.startOver();
            attempt -= 1;
          } else {
            // A load that resumes has all of its attempts again.
            if (run.resumable && (run.progress?.rows ?? 0) > rowsBefore) attempt = 1;
            const fields = { table: run.key, attempt, attempts, ...errorFields(error) };
            logger.severe(
              `Error processing table ${run.key}, attempt ${attempt}/${attempts}: ${error.describe()}`,
              fields,
            );
            if (!error.retryable || attempt >= attempts) {
              if (error.retryable)
                logger.severe(`Max retries exceeded for table ${run.key}`, { table: run.key, attempts });
              return report({ changed: 0, deleted: 0 }, error);
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

  private sayResult(run: TableRun, finished: PassResult): void {
    const { logger, onNews, isSilent } = this.options;
    const { rows, changed, deleted } = finished;
    if (changed > 0 || deleted > 0) onNews(run);
    const level = isSilent(run) ? 'debug' : 'info';
    const fields = { table: run.key, rows, changed, deleted };
    logger[level](`Successfully processed table ${run.key}: ${describeResult(finished)}`, fields);
  }

  /** The error with the name of the column that raises it, where a column does. */
  private async withColumn(run: TableRun, error: ConnectorError): Promise<ConnectorError> {
    const { table } = run.planned;
    if (error.retryable || !mayNameColumn(error, table, run.selection)) return error;
    const { signal } = this.options;
    return (await this.ask(run, (session) => namingColumn(error, table, run.selection, session, signal))) ?? error;
  }

  /** Warns where a rule leaves out all rows: the table would look as if it were empty in the source. */
  private async sayWhatWasLeftOut(run: TableRun): Promise<void> {
    const { logger, signal } = this.options;
    const rows = await this.ask(run, (session) => countLeftOut(run.planned.table, run.selection, session, signal));
    if (rows === undefined || rows === 0) return;
    this.options.onNews(run);
    logger.warning(
      `No row of ${run.key} meets the condition of its rule, which leaves out all ${rows}; check "region" and "transformations".`,
    );
  }

  /** Asks the server something that the table does not depend on; undefined where there is no answer. */
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
      { table: run.key, attempt: attempt + 1, attempts, delaySeconds: delay },
    );
    this.options.onRetry(run, attempt, delay);
    await sleep(delay, this.options.signal);
  }

  private async attempt(run: TableRun, releaseSlot: () => void): Promise<PassResult> {
    run.revive();
    for (;;) {
      const finished = await this.passes[run.pass.kind].run(run, releaseSlot);
      if (finished !== undefined) return finished;
    }
  }
}

/** Records are the rows that this sync read or changed, as opposed to the rows that the table holds. */
function describeResult({ rows, changed, deleted }: PassResult): string {
  const marked = deleted > 0 ? `, ${deleted} marked deleted` : '';
  return `${counted(changed, 'record')}${marked}${changed === rows ? '' : ` (${counted(rows, 'row')})`}`;
}
