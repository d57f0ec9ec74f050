/** One sync: discover, plan, read, write, report. */
import { useLatin1Counter } from '../common/count-character';
import { ConnectorError, interrupted } from '../common/errors';
import { HeapGrowth } from '../common/heap-growth';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import type { Destination } from '../destinations/destination';
import type { SyncPlan } from '../model/plan';
import type { SyncObserver, SyncReport, TableReport } from '../model/report';
import type { SourceSelection } from '../model/source-selection';
import type { TableState } from '../model/sync-state';
import { tableKey } from '../model/table';
import { createProcessStats, keepFreedMemory, limitMemoryArenas, nativeLatin1Counter } from '../native/process-stats';
import { monotonicClock, type Clock } from '../postgres/connection';
import { beginsAnew, DataProcessor, findUnchanged, TableLoop } from '../engine/passes';
import { describeTables, describePlan, createRuns, type TableRun } from '../engine/plan';
import {
  ReaderPool,
  ResourceMonitor,
  SYNC_CPU_WINDOW_MS,
  type PressureSource,
  PressureControl,
} from '../engine/pressure';
import { loadTransformationModule, type TransformationModule } from '../engine/rules';
import { Writer } from '../engine/write';
import { tellOfAbsentTables } from './absent-tables';
import { combineObservers } from './combine-observers';
import { discoverAndPlan, planOf, readCatalogWhile } from './discovery';
import { Lifecycle } from './lifecycle';
import { createDestination } from '../destinations/registry';
import { claimSchema } from './origin';
import { RunRecorder } from './run-recorder';
import { runsOptions } from './runs-options';
import { openSource } from './source-connection';
import { noteForeignState, StateCopy } from './state-copy';

export interface RunContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly observer: SyncObserver;
  /** Look for deleted rows in every table that is not read whole. */
  readonly reconcile?: boolean;
  /** Nothing else than that. */
  readonly keysOnly?: boolean;
  /** In place of the one that the settings name. */
  readonly destination?: Destination;
  /** Without it, everything that the settings' filters leave. */
  readonly selection?: SourceSelection;
  /** In place of the machine's own, for tests. */
  readonly pressure?: PressureSource;
  readonly clock?: Clock;
  /** The process does nothing else, and ends with the sync. */
  readonly ownProcess?: boolean;
}

/** More readers than this would only wait for each other on any server we know of. */
const MAX_READERS = 64;
/** Batches that wait between readers and writer, beyond what the categories' row limits allow. */
const QUEUE_BYTES = 16 * 1024 * 1024;

/** Rows of so many bytes and more make cells of megabytes in batches of a few hundred. */
const LONG_ROW_BYTES = 16_000;

/** Discovers and plans without reading a row. */
export async function planSync(settings: Settings, context: RunContext): Promise<SyncPlan> {
  const manager = openSource(settings, context.logger, 1, context.clock);
  try {
    const { plan, unreadable } = await discoverAndPlan(
      manager,
      settings,
      await userModule(settings),
      context.logger,
      context.signal,
    );
    for (const [key, error] of unreadable) context.logger.warning(`${key} cannot be read: ${error.describe()}`);
    return plan;
  } finally {
    await manager.close();
  }
}

/**
 * Syncs every table once. Tables that fail are in the report; rejects with a ConnectorError where the sync
 * as a whole could not go on. What was committed before stays committed.
 */
export async function runSync(settings: Settings, context: RunContext): Promise<SyncReport> {
  const lifecycle = new Lifecycle();
  const recorder = new RunRecorder(settings.password === undefined ? [] : [settings.password], context.logger);
  const observer = combineObservers(recorder.observer, context.observer);
  try {
    const report = await syncWithin(lifecycle, settings, { ...context, observer }, recorder);
    recorder.ended(report);
    return report;
  } catch (error) {
    recorder.failed(error);
    throw error;
  } finally {
    await lifecycle.close();
  }
}

async function syncWithin(
  lifecycle: Lifecycle,
  settings: Settings,
  context: RunContext,
  recorder: RunRecorder,
): Promise<SyncReport> {
  const { logger, observer } = context;
  const clock = context.clock ?? monotonicClock;
  const started = clock();
  const startedAt = new Date();
  limitMemoryArenas();
  const heap = new HeapGrowth(context.ownProcess === true);
  useLatin1Counter(nativeLatin1Counter());
  // Where no DuckDB writes, reading is the limit.
  if (context.destination !== undefined || settings.destination === 'null') keepFreedMemory('batches');
  const stats = createProcessStats(settings.warehousePath);
  if (stats.degraded)
    logger.warning(`Running degraded, without the native addon: ${stats.degradedReason ?? 'unknown reason'}`);
  const monitor = context.pressure ?? new ResourceMonitor(stats, SYNC_CPU_WINDOW_MS, SYNC_CPU_WINDOW_MS);
  const module = await userModule(settings);
  const manager = lifecycle.use(
    openSource(settings, logger, MAX_READERS + 1, context.clock, (statement) => observer.statement?.(statement)),
    (it) => it.close(),
  );
  const destination = context.destination ?? createDestination(settings, monitor.read().memoryAvailableBytes, logger);
  lifecycle.use(destination, async (it) => {
    // Connections end in threads of their own, but whoever has just ended a statement waits for them (the odbc package's
    // lock): so now that the run is recorded, while the warehouse is closed.
    void manager.close();
    await it.close();
  });
  const { opened: states, findings } = await readCatalogWhile(
    { manager, settings, logger, signal: context.signal },
    async () => {
      const stored = new Map<string, TableState>(await destination.open());
      // Released before the destination is, when the outcome is known.
      lifecycle.use(destination, (it) => recorder.write(it));
      if (stored.size === 0) noteForeignState(settings, logger);
      return stored;
    },
  );
  const discovery = planOf(findings, settings, module, logger, {
    selection: context.selection,
    comparesKeys: destination.comparesKeys,
  });
  const { plan, unreadable, source, existing } = discovery;
  await claimSchema(destination, settings, discovery);
  const planned = new Set(plan.tables.map(({ table }) => tableKey(table)));
  await tellOfAbsentTables(destination, states, { existing, planned }, logger);
  observer.planned?.(plan);
  for (const line of describePlan(plan)) logger.info(line);

  const { reconcile, keysOnly, selection } = context;
  const { comparesKeys } = destination;
  const decisions = runsOptions(settings, { module, source, reconcile, keysOnly, selection, comparesKeys, logger });
  const { runs, refused } = createRuns(plan, states, decisions);
  const fatal = new AbortController();
  let fatalError: ConnectorError | undefined;
  const signal = AbortSignal.any([context.signal, fatal.signal]);
  const control = new PressureControl({ source: monitor, logger, observer, clock }, runs);
  const pool = new ReaderPool(() => Math.min(control.readers(), MAX_READERS));
  control.onChange = () => pool.grantAll();
  let bytes = 0;
  let longValues = false;
  const stateFile = new StateCopy(settings);
  const writer = new Writer(
    {
      destination,
      logger,
      queueBytes: QUEUE_BYTES,
      queueShare: () => control.queueShare,
      onCommitted: (committed, seconds) => {
        stateFile.committed(committed);
        observer.checkpoint?.(seconds);
      },
      onWritten: (run, rows, size) => {
        bytes += size;
        heap.written(size);
        if (!longValues && size > LONG_ROW_BYTES * rows) {
          longValues = true;
          keepFreedMemory('longValues');
        }
        observer.rowsWritten?.(run.planned, rows, size);
      },
      openTables: (): number => runs.length - loop.ended,
      onFatal: (error) => {
        fatalError ??= error;
        fatal.abort();
      },
    },
    states,
  );
  const processor = new DataProcessor({
    manager,
    pool,
    writer,
    logger,
    signal,
    maxRetries: settings.maxRetries,
    maxDeletesPercent: settings.maxDeletes,
    retrySleepSeconds: settings.retrySleepSeconds,
    batchBytes: settings.batchBytes,
    timestampWindowSeconds: settings.timestampWindowSeconds,
    snapshotMaxAgeMs: settings.snapshotMaxAgeSeconds * 1000,
    batchRows: (run) => control.batchRows(run.planned),
    onRetry: (run, attempt, delay) => observer.retry?.(run.planned, attempt, delay),
    clock,
  });
  const failed = [...unreadable, ...refused].map(([key, error]): TableReport => {
    logger.severe(`Table ${key} is left out: ${error.describe()}`);
    const report = { key, destinationTable: '', rows: 0, seconds: 0, error };
    observer.tableLeftOut?.(report);
    return report;
  });
  logger.info(`Found ${runs.length} tables to process`);
  control.logStatus();
  const announced = writer.announceLoads(runs.filter(beginsAnew));
  // Queued before everything of the tables. By themselves: a table that the warehouse refuses takes everything with it
  // that is not committed. Whoever they fail hears of it by onFatal.
  const described = settings.metadataHistory === 'every-sync' ? runs : runs.filter(isDescribedAnew);
  announced.catch(() => undefined);
  if (described.length > 0) {
    const descriptions = describeTables(
      described.map((run) => run.planned.table),
      startedAt,
    ).map(({ table, batch }) => writer.append(table, batch, startedAt));
    Promise.all([announced, ...descriptions, writer.commit()]).catch(() => undefined);
  }
  const unchanged = await findUnchanged(runs, { manager, writer, logger, signal });
  const changed = runs.filter(({ key }) => !unchanged.has(key));
  if (unchanged.size > 0) logger.info(`Unchanged since the last sync: ${unchanged.size} of ${runs.length} tables`);
  const loop: TableLoop = new TableLoop({ pool, processor, control, logger, observer, signal });
  const skipped = runs.filter(({ key }) => unchanged.has(key)).map((run) => loop.skip(run));
  const reports = [...skipped, ...(await loop.run(changed))];
  if (fatalError !== undefined) throw fatalError;
  // What the interrupted tables had written is kept too: their state says how far they came.
  await writer.commit();
  stateFile.flush();
  if (context.signal.aborted)
    throw interrupted('The sync was interrupted; what was committed is kept, and the next sync goes on from there.');
  control.logStatus();
  const seconds = (clock() - started) / 1000;
  if (failed.length + reports.filter((report) => report.error !== undefined).length === 0) {
    logger.info(`Data extraction completed successfully in ${seconds.toFixed(2)} seconds`);
  }
  const tables = [...failed, ...reports];
  return {
    tables,
    operations: writer.counts,
    rows: tables.reduce((sum, table) => sum + table.rows, 0),
    bytes,
    seconds,
  };
}

/** Whether the metadata tables do not yet say what is true of the table. */
function isDescribedAnew({ committed, description }: TableRun): boolean {
  return committed?.lastSyncedAt == null || committed.description !== description;
}

async function userModule(settings: Settings): Promise<TransformationModule> {
  return settings.transformations === undefined ? {} : await loadTransformationModule(settings.transformations);
}
