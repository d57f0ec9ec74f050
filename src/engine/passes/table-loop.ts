/** Takes the tables in the order of the plan, as many at once as there are readers for. */
import { setImmediate } from 'node:timers/promises';
import { counted } from '../../common/counted';
import type { Logger } from '../../common/logger';
import { asConnectorError } from '../../common/errors';
import type { SyncObserver, TableReport } from '../../model/report';
import type { DataProcessor } from './data-processor';
import type { ReaderPool, PressureControl } from '../pressure';
import type { TableRun } from '../plan';
import { TableNews } from './table-news';

export interface TableLoopOptions {
  readonly pool: ReaderPool;
  readonly processor: DataProcessor;
  readonly control: PressureControl;
  readonly logger: Logger;
  readonly observer: SyncObserver;
  readonly signal: AbortSignal;
}

/** The resource status is logged at the start, every so many tables, and at the end. */
const TABLES_PER_STATUS = 5;

export class TableLoop {
  private started = 0;
  private completed = 0;
  private told = 0;
  private skipped = 0;
  private readonly endedRuns = new Set<TableRun>();
  private readonly reports: TableReport[] = [];

  private readonly news: TableNews;

  constructor(private readonly options: TableLoopOptions) {
    this.news = new TableNews(options.logger);
  }

  /** There is something to say of the table: its first line is due. */
  heard(run: TableRun): void {
    this.news.heard(run);
  }

  isSilent(run: TableRun): boolean {
    return this.news.isSilent(run);
  }

  /** Tables that have ended, well or not. */
  get ended(): number {
    return this.endedRuns.size + this.skipped;
  }

  /**
   * Reports of all tables that ended by themselves, in earlier calls as well; an interruption leaves the others out. `all`:
   * with those of earlier and later calls.
   */
  async run(runs: readonly TableRun[], all: readonly TableRun[] = runs): Promise<readonly TableReport[]> {
    const { pool, processor, signal } = this.options;
    processor.expect(runs);
    const processing: Promise<void>[] = [];
    for (const run of runs) {
      try {
        await pool.acquire(run.position, signal);
      } catch {
        break;
      }
      this.started += 1;
      processing.push(this.processOne(run, this.started, all));
    }
    const outcomes = await Promise.allSettled(processing);
    this.news.summarize();
    const failure = outcomes.find((outcome): outcome is PromiseRejectedResult => outcome.status === 'rejected');
    if (failure !== undefined && !signal.aborted) throw asConnectorError(failure.reason);
    return this.reports;
  }

  /** Counts a table that has nothing to read. */
  skip({ key, destinationTable, decision }: TableRun): TableReport {
    this.skipped += 1;
    return {
      key,
      destinationTable: destinationTable.name,
      rows: 0,
      deleted: 0,
      mode: decision.mode,
      unchanged: true,
      seconds: 0,
    };
  }

  private async processOne(run: TableRun, place: number, runs: readonly TableRun[]): Promise<void> {
    const { control, logger, observer, processor } = this.options;
    const { planned } = run;
    const { estimatedRows } = planned.table;
    this.news.begin(run, () =>
      logger.info(
        `Processing table ${place}/${runs.length}: ${run.key} (${planned.category}, ${counted(estimatedRows, 'row')})`,
        { table: run.key, position: place, tables: runs.length, rows: estimatedRows },
      ),
    );
    observer.tableStarted?.(planned, place, runs.length);
    const report = await processor.process(run).catch((error: unknown) => {
      this.news.interrupted(run);
      throw error;
    });
    this.reports.push(report);
    control.tableDone(run.position);
    observer.tableFinished?.(planned, report);
    this.endedRuns.add(run);
    // Tables that are committed together have all ended before the next one is named.
    await setImmediate();
    this.completed += 1;
    // One line tells of all tables without news, when all are done.
    if (!this.news.ended(run)) return;
    this.told += 1;
    const next = runs.find((candidate) => !this.endedRuns.has(candidate))?.key;
    logger.info(
      `Completed ${this.completed}/${counted(runs.length, 'table')}.${next === undefined ? '' : ` Next: ${next}`}`,
      { completed: this.completed, tables: runs.length },
    );
    if (this.told % TABLES_PER_STATUS === 0) control.logStatus();
  }
}
