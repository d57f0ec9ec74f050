import { runSync } from '../../app/sync-run';
import type { Command } from '../command';
import { exitCodeOfReport } from '../exit-codes';
import { renderReport } from '../report-lines';

/** Replicates the tables; tables that cannot be read do not stop the others. */
export const sync: Command = async ({ settings, output, signal }) => {
  let report;
  try {
    report = await runSync(settings, { logger: output.logger, signal, observer: output.observer });
  } catch (error) {
    output.print(['', 'Sync FAILED']);
    throw error;
  }
  output.print(renderReport(report));
  return exitCodeOfReport(report);
};
