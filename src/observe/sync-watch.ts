/** Follows a sync for the page: it gathers counts, samples and stretches, and makes one document of them. */
import { createRedactor } from '../common/redact';
import type { Logger } from '../common/logger';
import { asConnectorError } from '../common/errors';
import type { PlannedTable, SyncPlan } from '../model/plan';
import type { StatementEvent, SyncObserver, SyncReport, TableReport } from '../model/report';
import { tableKey } from '../model/table';
import type { PressureSource } from '../engine/pressure';
import { RateMeter } from '../common/rate-meter';
import { secondsLeft } from '../common/time-left';
import { advise } from './advice';
import type { PageData, PageTable, WatchedOptions, WatchState } from './page-data';
import { round, Series } from './series';
import { Timeline } from './timeline';

export interface WatchOptions {
  readonly version: string;
  readonly source: string;
  readonly warehouse: string;
  /** Masked in every text that is kept. */
  readonly secrets: readonly string[];
  /** The machine's own figures, read at every sample. */
  readonly pressure: PressureSource;
  readonly options?: WatchedOptions;
  readonly now?: () => number;
  readonly rssBytes?: () => number;
}

interface TableEntry {
  readonly planned: PlannedTable;
  readonly timeline: Timeline;
  rows: number;
  bytes: number;
  retries: number;
  fromMs: number | undefined;
  toMs: number | undefined;
  error: string | null;
}

/**
 * The page shows the tables that took longest; otherwise a schema of thousands of tables would make it megabytes large.
 */
const MOST_TABLES = 200;
const MOST_WARNINGS = 200;
const MEGABYTE = 1_000_000;

export class SyncWatch {
  private readonly now: () => number;
  private readonly rssBytes: () => number;
  private readonly startMs: number;
  private readonly startedAt = new Date();
  private readonly tables = new Map<string, TableEntry>();
  /** `schema.name` of a relation -> the table that it belongs to. */
  private readonly byRelation = new Map<string, TableEntry>();
  private readonly series = new Series();
  private readonly rowRate: RateMeter;
  private readonly byteRate: RateMeter;
  private readonly failures = new Map<string, string>();
  private readonly warnings: string[] = [];
  private readonly redact: (text: string) => string;
  private state: WatchState = 'starting';
  private error: string | null = null;
  private endMs: number | undefined;
  private retries = 0;
  private checkpoints = 0;
  private slotWalBytes: number | null = null;
  private batchRows = NaN;
  private batchCut: PageData['batchCut'] = null;
  private readers = NaN;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: WatchOptions) {
    this.now = options.now ?? ((): number => performance.now());
    this.rssBytes = options.rssBytes ?? ((): number => process.memoryUsage.rss());
    this.startMs = this.now();
    this.rowRate = new RateMeter(this.now);
    this.byteRate = new RateMeter(this.now);
    this.redact = createRedactor(options.secrets);
  }

  readonly observer: SyncObserver = {
    planned: (plan) => this.planned(plan),
    slotSeen: ({ bytes }) => void (this.slotWalBytes = bytes),
    tableStarted: (table) => {
      this.entry(table).fromMs ??= this.now();
    },
    statement: (statement) => this.statement(statement),
    rowsWritten: (table, rows, bytes) => {
      const entry = this.entry(table);
      entry.rows += rows;
      entry.bytes += bytes;
      this.rowRate.add(rows);
      this.byteRate.add(bytes);
    },
    checkpoint: () => void (this.checkpoints += 1),
    retry: (table, _attempt, delaySeconds) => {
      const entry = this.entry(table);
      this.retries += 1;
      entry.retries += 1;
      entry.timeline.pause(this.now(), this.now() + delaySeconds * 1000);
    },
    tableFinished: (table, report) => this.finished(this.entry(table), report),
    tableLeftOut: (report) => this.noteFailure(report),
    proofFailed: (report) => this.noteFailure(report),
    sampled: (_pressure, batchRows, readers, uncutRows) => {
      this.batchCut = batchRows < uncutRows ? { from: uncutRows, to: batchRows } : null;
      this.batchRows = batchRows;
      this.readers = readers;
    },
  };

  /** Begins to take samples, until `ended` or `failed`. */
  start(): void {
    this.sample();
    this.schedule();
  }

  /** A logger that keeps warnings for the page. */
  listening(logger: Logger): Logger {
    const keep = (message: string): void => {
      if (this.warnings.length < MOST_WARNINGS) this.warnings.push(this.redact(message));
    };
    return {
      debug: (message, fields) => logger.debug(message, fields),
      info: (message, fields) => logger.info(message, fields),
      warning: (message, fields) => {
        keep(message);
        logger.warning(message, fields);
      },
      severe: (message, fields) => {
        keep(message);
        logger.severe(message, fields);
      },
    };
  }

  ended(report: SyncReport): void {
    for (const { key, error } of report.tables)
      if (error !== undefined) this.failures.set(key, this.redact(error.describe()));
    this.end(this.failures.size > 0 ? 'some tables failed' : 'succeeded');
  }

  failed(error: unknown): void {
    const translated = asConnectorError(error);
    this.error = this.redact(translated.describe());
    this.end(translated.kind === 'interrupted' ? 'interrupted' : 'failed');
  }

  get ready(): boolean {
    return this.state !== 'starting';
  }

  data(): PageData {
    const atMs = this.endMs ?? this.now();
    const tables = [...this.tables.values()];
    const done = tables.filter(({ toMs }) => toMs !== undefined);
    const seconds = (atMs - this.startMs) / 1000;
    const shown = tables.length <= MOST_TABLES ? tables : longest(tables, atMs);
    const data = {
      version: this.options.version,
      source: this.options.source,
      warehouse: this.options.warehouse,
      startedAt: this.startedAt.toISOString(),
      state: this.state,
      error: this.error,
      seconds: round(seconds),
      rows: this.rowRate.rows,
      bytes: this.byteRate.rows,
      retries: this.retries,
      checkpoints: this.checkpoints,
      slotWalBytes: this.slotWalBytes,
      tablesDone: done.length,
      tablesFailed: this.failures.size,
      tablesTotal: tables.length,
      secondsLeft: this.endMs === undefined ? timeLeft(tables, seconds) : null,
      series: this.series.columns(),
      batchCut: this.batchCut,
      options: this.options.options ?? { customBatchSize: null, customThreads: null },
      tables: shown.map((entry) => this.describe(entry, atMs)),
      tablesLeftOut: tables.length - shown.length,
      failures: [...this.failures].map(([key, message]) => `${key}: ${message}`),
      warnings: this.warnings,
    };
    return { ...data, advice: advise(data) };
  }

  private planned(plan: SyncPlan): void {
    this.state = 'running';
    for (const table of plan.tables) this.entry(table);
  }

  private statement(statement: StatementEvent): void {
    for (const relation of [statement.reads ?? []].flat()) this.byRelation.get(relation)?.timeline.add(statement);
  }

  private noteFailure({ key, error }: TableReport): void {
    if (error === undefined) return;
    this.failures.set(key, this.redact(error.describe()));
    const entry = this.tables.get(key);
    if (entry !== undefined) entry.error = this.redact(error.describe());
  }

  private finished(entry: TableEntry, report: TableReport): void {
    entry.toMs = this.now();
    this.noteFailure(report);
  }

  private entry(planned: PlannedTable): TableEntry {
    const key = tableKey(planned.table);
    let entry = this.tables.get(key);
    if (entry === undefined) {
      entry = {
        planned,
        timeline: new Timeline(),
        rows: 0,
        bytes: 0,
        retries: 0,
        fromMs: undefined,
        toMs: undefined,
        error: null,
      };
      this.tables.set(key, entry);
      for (const relation of planned.table.relations) this.byRelation.set(`${relation.schema}.${relation.name}`, entry);
      this.byRelation.set(key, entry);
    }
    return entry;
  }

  private describe(entry: TableEntry, atMs: number): PageTable {
    const { planned, timeline, fromMs, toMs } = entry;
    const relative = (ms: number | undefined): number | null =>
      ms === undefined ? null : round((ms - this.startMs) / 1000);
    const waits = fromMs === undefined ? { begin: 0, warehouse: 0, retry: 0 } : timeline.waits(fromMs, toMs ?? atMs);
    return {
      name: tableKey(planned.table),
      category: planned.category,
      mode: planned.mode,
      reason: planned.modeReason,
      readMethod: planned.readMethod,
      batchRows: planned.batchRows,
      threads: planned.threads,
      estimatedRows: planned.table.estimatedRows,
      bytes: planned.table.bytes,
      rows: entry.rows,
      writtenBytes: entry.bytes,
      retries: entry.retries,
      from: relative(fromMs),
      to: relative(toMs),
      error: entry.error,
      spans: timeline.since(this.startMs),
      pauses: timeline.pausesSince(this.startMs, toMs ?? atMs),
      waitedToBegin: round(waits.begin / 1000),
      waitedForWarehouse: round(waits.warehouse / 1000),
      waitedForRetry: round(waits.retry / 1000),
    };
  }

  private sample(): void {
    const pressure = this.options.pressure.read();
    this.series.add((this.now() - this.startMs) / 1000, {
      rowsPerSecond: this.rowRate.perSecond(),
      megabytesPerSecond: this.byteRate.perSecond() / MEGABYTE,
      rssMegabytes: this.rssBytes() / MEGABYTE,
      memoryLimitMegabytes: pressure.memoryAvailableBytes / (1 - pressure.memoryPercent / 100) / MEGABYTE,
      cpuPercent: pressure.cpuPercent,
      ownCpuPercent: pressure.ownCpuPercent ?? NaN,
      batchRows: this.batchRows,
      readers: this.readers,
      retries: this.retries,
    });
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.sample();
      this.schedule();
    }, this.series.intervalSeconds * 1000);
    // The timer must not keep the process alive.
    this.timer.unref();
  }

  private end(state: WatchState): void {
    if (this.endMs !== undefined) return;
    clearTimeout(this.timer);
    this.endMs = this.now();
    this.state = state;
    this.sample();
  }
}

function timeLeft(tables: readonly TableEntry[], seconds: number): number | null {
  const shares = tables.map(({ planned, rows, toMs }) => ({
    estimatedRows: planned.table.estimatedRows,
    rows,
    ended: toMs !== undefined,
  }));
  const left = secondsLeft(shares, seconds);
  return left === null ? null : round(left);
}

/** The tables that took longest, and all that failed, in the order of the plan. */
function longest(tables: readonly TableEntry[], atMs: number): readonly TableEntry[] {
  const time = ({ fromMs, toMs, error }: TableEntry): number =>
    error !== null ? Infinity : fromMs === undefined ? -1 : (toMs ?? atMs) - fromMs;
  const kept = new Set([...tables].sort((a, b) => time(b) - time(a)).slice(0, MOST_TABLES));
  return tables.filter((table) => kept.has(table));
}
