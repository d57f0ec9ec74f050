/** Starts what a user requested: page, metrics, report, traces. Otherwise nothing of it is loaded. */
import { combineObservers } from '../app/combine-observers';
import { diskOfRows, placeOfRows } from '../app/place-of-rows';
import { asConnectorError, ConnectorError, type ErrorKind } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import type { SyncObserver, SyncReport } from '../model/report';
import { createProcessStats } from '../native/process-stats';
import { ResourceMonitor } from '../engine/pressure';
import { createMetrics, renderPage, startWatchServer, SyncWatch, type SyncTraces, type TraceOptions } from '../observe';
import { accessSync, constants, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Watching {
  readonly observer: SyncObserver;
  /** Passes a sync's log lines on, so that the page has its warnings. */
  readonly logger: Logger;
  /** Resolves when the report is written, traces are sent and the port is closed. */
  end(outcome: SyncReport | { readonly error: unknown }): Promise<void>;
}

export interface WatchingContext {
  /** Version of pgsluice. */
  readonly version: string;
  /** Values that no output may show. */
  readonly secrets: readonly string[];
  readonly logger: Logger;
  /** Given where traces are requested: OpenTelemetry is too heavy to be loaded with the rest. */
  readonly startTraces?: (options: TraceOptions) => SyncTraces;
}

export async function startWatching(settings: Settings, context: WatchingContext): Promise<Watching> {
  const { version, secrets, logger } = context;
  if (settings.reportPath !== undefined) checkFolder(settings.reportPath);
  const source = settings.dsn ?? `${settings.host ?? ''}:${settings.port ?? ''}/${settings.database ?? ''}`;
  const metrics = createMetrics(version);
  const monitor = new ResourceMonitor(createProcessStats(diskOfRows(settings)));
  const watch = new SyncWatch({
    version,
    source,
    warehouse: placeOfRows(settings) ?? 'nowhere',
    secrets,
    options: {
      customBatchSize: settings.customBatchSize ?? null,
      customThreads: settings.customThreads ?? null,
    },
    pressure: {
      read: () => {
        const pressure = monitor.read();
        metrics.resources(pressure);
        return pressure;
      },
    },
  });
  const server =
    settings.metricsPort === undefined
      ? undefined
      : await startWatchServer({
          host: settings.metricsHost,
          port: settings.metricsPort,
          registry: metrics.registry,
          data: () => watch.data(),
          ready: () => watch.ready,
        });
  if (server !== undefined) logger.info(`Live page and metrics: ${server.url}`);
  const traces = context.startTraces?.({ version, source, secrets });
  watch.start();
  return {
    observer: combineObservers(watch.observer, metrics.observer, ...(traces === undefined ? [] : [traces.observer])),
    logger: watch.listening(logger),
    end: async (outcome) => {
      if ('error' in outcome) watch.failed(outcome.error);
      else watch.ended(outcome);
      metrics.ended('tables' in outcome && outcome.tables.every((table) => table.error === undefined));
      try {
        if (settings.reportPath !== undefined) {
          writeReport(settings.reportPath, renderPage(watch.data()).html);
          logger.info(`Report written to ${settings.reportPath}`);
        }
      } finally {
        await traces?.end('error' in outcome ? asConnectorError(outcome.error).describe() : undefined);
        await server?.close();
      }
    },
  };
}

/** Checked before the sync rather than hours later. */
function checkFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw notWritten(path, cause, 'configuration');
  }
}

/** Writes a file beside it and renames that, so that a reader of the last report always finds it whole. */
function writeReport(path: string, html: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.${process.pid}.tmp`;
    // The report names tables and errors, so only its owner may read it, and may pass it on.
    writeFileSync(beside, html, { mode: 0o600 });
    renameSync(beside, path);
  } catch (cause) {
    throw notWritten(path, cause, 'destination');
  }
}

function notWritten(path: string, cause: unknown, kind: ErrorKind): ConnectorError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return new ConnectorError(`The report ${path} cannot be written (${code}).`, {
    code: 'report_not_written',
    kind,
    hint: 'Check the folder of --report.',
    cause,
  });
}
