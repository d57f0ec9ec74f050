import { placeOfRows } from '../../app/place-of-rows';
import { withResetPlan } from '../../app/reset';
import type { Command } from '../command';
import { confirm } from '../confirm';
import { EXIT } from '../exit-codes';

/** Deletes what a sync left behind, and nothing else; the source is not touched. */
export const reset: Command = async (context) => {
  const { settings, output } = context;
  return await withResetPlan(settings, async ({ files, kept, deleteAll }) => {
    if (files.length === 0) {
      output.print([
        `There is nothing to delete: neither ${placeOfRows(settings) ?? settings.warehousePath} nor ${settings.statePath} exists.`,
        ...kept,
      ]);
    } else if (await confirm(files.join(', '), context)) {
      output.print([...deleteAll(), ...kept]);
    } else {
      output.print(['Nothing was deleted.']);
    }
    return EXIT.ok;
  });
};
