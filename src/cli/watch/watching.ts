/** Puts together what a user asked for: page, metrics, report, traces. Nothing of it is loaded otherwise. */
import { combineObservers } from '../../app/combine-observers';
import { ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import type { Settings } from '../../config/settings';
import type { SyncObserver, SyncReport } from '../../model/report';
import { renderPage } from '../report/page';
import { createMetrics } from './metrics';
import { SyncWatch } from './sync-watch';
import { startWatchServer } from './watch-server';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Watching {
  readonly observer: SyncObserver;
  /** Wherever a sync logs to, so that the page has its warnings. */
  readonly logger: Logger;
  /** Resolves when the report is written and the port is closed. */
  ended(report: SyncReport): Promise<void>;
  failed(error: unknown): Promise<void>;
}

export interface WatchingContext {
  readonly logger: Logger;
  readonly secrets: readonly string[];
  readonly version: string;
}

export async function startWatching(settings: Settings, context: WatchingContext): Promise<Watching> {
  const { logger, version } = context;
  const watch = new SyncWatch({
    version,
    source: settings.dsn ?? `${settings.host ?? ''}:${settings.port ?? ''}/${settings.database ?? ''}`,
    warehouse: settings.destination === 'null' ? 'nowhere' : settings.warehousePath,
    secrets: context.secrets,
  });
  const metrics = createMetrics(version);
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
  watch.start();
  const finish = async (): Promise<void> => {
    if (settings.reportPath !== undefined) {
      writeReport(settings.reportPath, renderPage(watch.data()).html);
      logger.info(`Report written to ${settings.reportPath}`);
    }
    await server?.close();
  };
  return {
    observer: combineObservers(watch.observer, metrics.observer),
    logger: watch.listening(logger),
    ended: async (report) => {
      watch.ended(report);
      metrics.ended(report.tables.every((table) => table.error === undefined));
      await finish();
    },
    failed: async (error) => {
      watch.failed(error);
      metrics.ended(false);
      await finish();
    },
  };
}

/** Beside and renamed, so that whoever reads the last report meanwhile finds it whole. */
function writeReport(path: string, html: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.${process.pid}.tmp`;
    // It names tables and errors: for its owner, who may pass it on.
    writeFileSync(beside, html, { mode: 0o600 });
    renameSync(beside, path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ConnectorError(`The report ${path} could not be written (${code}).`, {
      code: 'report_not_written',
      kind: 'destination',
      hint: 'Check the folder of --report; the sync itself went on to its end.',
      cause,
    });
  }
}
