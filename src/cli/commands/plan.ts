import { planSync } from '../../app/sync-run';
import type { Command } from '../command';
import { EXIT } from '../exit-codes';
import { renderPlan } from '../report-lines';

/** Connects and shows what a sync would do; reads no table and opens no warehouse. */
export const plan: Command = async ({ settings, output, signal }) => {
  // Without the observer: nothing runs that a bar could show.
  const planned = await planSync(settings, { logger: output.logger, signal, observer: {} });
  output.print(renderPlan(planned));
  return EXIT.ok;
};
