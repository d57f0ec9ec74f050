/** What the page shows, live and in a report: everything as numbers and plain text. Times are seconds since the start. */
export type WatchState = 'starting' | 'running' | 'succeeded' | 'some tables failed' | 'failed' | 'interrupted';

export interface PageSeries {
  readonly time: readonly number[];
  readonly rowsPerSecond: readonly (number | null)[];
  readonly megabytesPerSecond: readonly (number | null)[];
  readonly rssMegabytes: readonly (number | null)[];
  readonly memoryLimitMegabytes: readonly (number | null)[];
  readonly cpuPercent: readonly (number | null)[];
  readonly ownCpuPercent: readonly (number | null)[];
  readonly batchRows: readonly (number | null)[];
  readonly readers: readonly (number | null)[];
  readonly retries: readonly (number | null)[];
}

/** A stretch in which one connection, named by its process on the server, worked on one table. */
export interface PageSpan {
  readonly connection: number;
  readonly from: number;
  readonly to: number;
}

export interface PagePause {
  readonly from: number;
  readonly to: number;
}

export interface PageTable {
  readonly name: string;
  readonly category: string;
  readonly mode: string;
  readonly reason: string;
  readonly readMethod: string;
  readonly batchRows: number;
  readonly threads: number;
  readonly estimatedRows: number;
  readonly bytes: number;
  readonly rows: number;
  readonly writtenBytes: number;
  readonly retries: number;
  /** null: it has not begun, or not ended. */
  readonly from: number | null;
  readonly to: number | null;
  readonly error: string | null;
  readonly spans: readonly PageSpan[];
  /** Seconds of pauses before another attempt. */
  readonly pauses: readonly PagePause[];
  /**
   * Seconds without a statement that reads: before the first one (connection, snapshot), later (the warehouse), or in a
   * pause.
   */
  readonly waitedToBegin: number;
  readonly waitedForWarehouse: number;
  readonly waitedForRetry: number;
}

/** What a user has chosen, and may be advised to choose otherwise; null: left to pgsluice. */
export interface WatchedOptions {
  readonly customBatchSize: number | null;
  readonly customThreads: number | null;
}

export interface PageData {
  readonly version: string;
  /** `host/database` */
  readonly source: string;
  readonly warehouse: string;
  readonly startedAt: string;
  readonly state: WatchState;
  /** The error that ended the whole run. */
  readonly error: string | null;
  readonly seconds: number;
  readonly rows: number;
  readonly bytes: number;
  readonly retries: number;
  readonly checkpoints: number;
  readonly tablesDone: number;
  readonly tablesFailed: number;
  readonly tablesTotal: number;
  readonly secondsLeft: number | null;
  readonly series: PageSeries;
  /** What memory pressure had taken from the batches at the end; null: nothing. */
  readonly batchCut: { readonly from: number; readonly to: number } | null;
  readonly options: WatchedOptions;
  readonly tables: readonly PageTable[];
  /** Number of tables that `tables` does not show. */
  readonly tablesLeftOut: number;
  /** Tables that failed, and those that could not even be begun, each with its reason. */
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
  readonly advice: readonly string[];
}
