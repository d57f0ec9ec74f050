/** The sync itself: readers, writer and the loop over the tables, and how they learn of each other's state. */
import { counted } from '../common/counted';
import type { ConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import type { OperationCounts, TableReport } from '../model/report';
import type { TableState } from '../model/sync-state';
import { monotonicClock } from '../postgres/connection';
import {
  beginsAnew,
  DataProcessor,
  findUnchanged,
  LogFollower,
  TableLoop,
  type ProcessorOptions,
  worthwhileReaders,
} from '../engine/passes';
import { describeTables, type LogOutlook, type TableRun } from '../engine/plan';
import { PressureControl, ReaderPool } from '../engine/pressure';
import { Writer, type WriterOptions } from '../engine/write';
import { MAX_READERS, type OpenSync } from './open-sync';
import type { RunContext } from './run-context';
import { StateCopy } from './state-copy';
import type { SyncMemory } from './sync-memory';

/** Batches that wait between readers and writer, beyond what the categories' row limits allow. */
const QUEUE_BYTES = 16 * 1024 * 1024;

export interface TableSyncParts {
  readonly settings: Settings;
  readonly context: RunContext;
  readonly opened: Pick<OpenSync, 'monitor' | 'manager' | 'destination' | 'findings'> & {
    readonly states: Map<string, TableState>;
  };
  readonly runs: readonly TableRun[];
  /** undefined: no log is followed. */
  readonly log: LogOutlook | undefined;
  readonly memory: SyncMemory;
}

export class TableSync {
  private readonly control: PressureControl;
  private readonly pool: ReaderPool;
  private readonly writer: Writer;
  private readonly options: ProcessorOptions;
  private readonly loop: TableLoop;
  private readonly log: LogFollower | undefined;
  /** undefined: others write states of the same source at the same time. */
  private readonly stateFile: StateCopy | undefined;
  private readonly fatal = new AbortController();
  private readonly signal: AbortSignal;
  private fatalError: ConnectorError | undefined;
  private writtenBytes = 0;
  private mostReaders = MAX_READERS;

  constructor(private readonly parts: TableSyncParts) {
    const { settings, context, opened, runs } = parts;
    const { logger, observer, clock = monotonicClock } = context;
    this.signal = AbortSignal.any([context.signal, this.fatal.signal]);
    this.control = new PressureControl({ source: opened.monitor, logger, observer, clock }, runs);
    const { maxConnections = MAX_READERS } = context;
    this.pool = new ReaderPool(() => Math.min(this.control.readers(), this.mostReaders, maxConnections));
    this.control.onChange = () => this.pool.grantAll();
    const isAlone = context.amongOthers !== true && opened.destination.commitsOnce !== true;
    this.stateFile = isAlone ? new StateCopy(settings) : undefined;
    this.writer = new Writer(this.writerOptions(), opened.states);
    const { control, pool, signal, writer } = this;
    const { manager, destination, states } = opened;
    if (parts.log !== undefined) {
      const commitsAreDurable = destination.loadsInPlace !== true;
      const onRead = (bytes: number): void => parts.memory.read(bytes);
      this.log = new LogFollower({
        manager,
        outlook: parts.log,
        writer,
        logger,
        states,
        commitsAreDurable,
        onRead,
        signal,
      });
    }
    this.options = this.processorOptions();
    const processor = new DataProcessor(this.options);
    this.loop = new TableLoop({ pool, processor, control, logger, observer, signal });
  }

  /** Characters of packed text that the destination has accepted. */
  get bytes(): number {
    return this.writtenBytes;
  }

  get operations(): OperationCounts {
    return this.writer.counts;
  }

  /** Reports of all tables that ended by themselves. Rejects where the destination is of no further use. */
  async run(startedAt: Date): Promise<readonly TableReport[]> {
    const { runs, context } = this.parts;
    const { logger } = context;
    const { writer } = this;
    logger.info(`Found ${counted(runs.length, 'table')} to process`, { tables: runs.length });
    this.control.logStatus();
    const reports = await this.readTables(startedAt);
    if (this.fatalError !== undefined) throw this.fatalError;
    const failed = reports.filter(({ error }) => error !== undefined).map(({ key }) => key);
    // An interruption leaves tables without a report, which are not known to be as far as the log.
    if (!this.signal.aborted) await this.log?.end(new Set(failed), writer.counts.checkpoints > 0);
    // The rows of interrupted tables are kept too, because their state says how far they came.
    await writer.commit();
    this.stateFile?.flush();
    return reports;
  }

  /** Lends a reader and the writer to work on `run` that is no whole pass. */
  async lend<T>(run: TableRun, work: (options: ProcessorOptions) => Promise<T>): Promise<T> {
    const { pool, signal } = this;
    await pool.acquire(run.position, signal);
    try {
      return await work(this.options);
    } catch (error) {
      throw this.fatalError ?? error;
    } finally {
      pool.release();
    }
  }

  private async readTables(startedAt: Date): Promise<readonly TableReport[]> {
    const { runs, context, opened } = this.parts;
    const { logger } = context;
    const { writer, loop, signal } = this;
    try {
      const unlogged = (await this.log?.begin(runs)) ?? new Set();
      this.announce(startedAt);
      const asked = await findUnchanged(runs, { manager: opened.manager, writer, logger, signal });
      const unchanged = runs.filter((run) => unlogged.has(run) || asked.has(run.key));
      if (unchanged.length > 0)
        logger.info(`Unchanged since the last sync: ${unchanged.length} of ${counted(runs.length, 'table')}`, {
          unchanged: unchanged.length,
          tables: runs.length,
        });
      const skipped = unchanged.map((run) => loop.skip(run));
      const changed = runs.filter((run) => !unchanged.includes(run));
      const logged = changed.filter(({ pass }) => pass.kind === 'by-log');
      // They share a snapshot, which is given back before the others begin.
      if (logged.length > 0) await loop.run(logged, changed);
      await this.log?.leave();
      const others = changed.filter((run) => !logged.includes(run));
      this.mostReaders = worthwhileReaders(others, opened.findings.roundTripMs) ?? MAX_READERS;
      return [...skipped, ...(await loop.run(others, changed))];
    } finally {
      await this.log?.leave();
    }
  }

  logStatus(): void {
    this.control.logStatus();
  }

  /**
   * Queued before the tables: which of them are loaded from the start, and the rows of the tables that describe them.
   */
  private announce(startedAt: Date): void {
    const { settings, runs } = this.parts;
    const { writer } = this;
    const announced = writer.announceLoads(runs.filter(beginsAnew));
    // They are committed by themselves: a table that the warehouse refuses would take everything uncommitted with it.
    // onFatal reports their failure.
    announced.catch(() => undefined);
    const described = settings.metadataHistory === 'every-sync' ? runs : runs.filter(isDescribedAnew);
    if (described.length === 0) return;
    const descriptions = describeTables(
      described.map((run) => run.planned.table),
      startedAt,
    ).map(({ table, batch }) => writer.append(table, batch, startedAt));
    Promise.all([announced, ...descriptions, writer.commit()]).catch(() => undefined);
  }

  private writerOptions(): WriterOptions {
    const { context, opened, runs, memory } = this.parts;
    const { logger, observer } = context;
    return {
      destination: opened.destination,
      logger,
      observer,
      queueBytes: QUEUE_BYTES,
      queueShare: () => this.control.queueShare,
      onCommitted: (committed, seconds) => {
        this.stateFile?.committed(committed);
        observer.checkpoint?.(seconds);
      },
      onWritten: (run, rows, bytes) => {
        this.writtenBytes += bytes;
        memory.written(rows, bytes);
        this.loop.heard(run);
        observer.rowsWritten?.(run.planned, rows, bytes);
      },
      openTables: () => runs.length - this.loop.ended,
      onFatal: (error) => {
        this.fatalError ??= error;
        this.fatal.abort();
      },
    };
  }

  private processorOptions(): ProcessorOptions {
    const { settings, context, opened } = this.parts;
    const { logger, observer, clock = monotonicClock } = context;
    return {
      manager: opened.manager,
      pool: this.pool,
      writer: this.writer,
      logger,
      signal: this.signal,
      maxRetries: settings.maxRetries,
      maxDeletesPercent: settings.maxDeletes,
      retrySleepSeconds: settings.retrySleepSeconds,
      batchBytes: settings.batchBytes,
      roundTripMs: opened.findings.roundTripMs,
      serverEncoding: opened.findings.catalog.server.encoding,
      timestampWindowSeconds: settings.timestampWindowSeconds,
      snapshotMaxAgeMs: settings.snapshotMaxAgeSeconds * 1000,
      batchRows: (run) => this.control.batchRows(run.planned),
      onNews: (run) => this.loop.heard(run),
      isSilent: (run) => this.loop.isSilent(run),
      log: this.log,
      onRetry: (run, attempt, delay) => observer.retry?.(run.planned, attempt, delay),
      clock,
    };
  }
}

/** Whether the metadata tables lack the table's present description. */
function isDescribedAnew({ committed, description }: TableRun): boolean {
  return committed?.lastSyncedAt == null || committed.description !== description;
}
