import { combineObservers } from '../../app/combine-observers';
import { runSync } from '../../app/sync-run';
import type { SyncReport } from '../../model/report';
import type { Command, CommandContext } from '../command';
import { exitCodeOfReport } from '../exit-codes';
import { lazy } from '../lazy';
import { renderReport } from '../report-lines';
import type { Watching } from '../watch/watching';

/** Replicates the tables; tables that cannot be read do not stop the others. */
export const sync: Command = async (context) => {
  const { output } = context;
  let report: SyncReport;
  try {
    report = await watched(context);
  } catch (error) {
    output.print(['', 'Sync FAILED']);
    throw error;
  }
  output.print(renderReport(report));
  return exitCodeOfReport(report);
};

async function watched({ settings, output, signal, secrets, version }: CommandContext): Promise<SyncReport> {
  const { logger } = output;
  const wanted = settings.metricsPort !== undefined || settings.reportPath !== undefined;
  const watching: Watching | undefined = wanted
    ? await lazy.watching().startWatching(settings, { logger, secrets, version })
    : undefined;
  const observer = combineObservers(output.observer, ...(watching === undefined ? [] : [watching.observer]));
  let report: SyncReport;
  try {
    report = await runSync(settings, { logger: watching?.logger ?? logger, signal, observer });
  } catch (error) {
    // What ended the sync matters more than a report that cannot be written.
    await watching?.failed(error).catch((problem: unknown) => logger.warning(String(problem)));
    throw error;
  }
  await watching?.ended(report);
  return report;
}
