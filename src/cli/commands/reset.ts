import type { LogDrop } from '../../app/log/log-drop';
import { placeOfRows } from '../../app/place-of-rows';
import { withResetPlan, type ResetPlan } from '../../app/reset';
import type { Command, CommandContext } from '../command';
import { confirm } from '../confirm';
import { EXIT } from '../exit-codes';
import { lazy } from '../lazy';

/** Deletes what a sync left behind, and nothing else; the source is not touched unless the slot is to be dropped. */
export const reset: Command = async (context) => {
  const { settings, output, signal } = context;
  return await withResetPlan(settings, async (plan) => {
    if (context.switches['drop-slot'] !== 'true') return await resetFiles(context, plan);
    return await lazy
      .logDrop()
      .withLogDrop({ settings, logger: output.logger, signal }, (drop) => resetFiles(context, plan, drop));
  });
};

/** The slot first: where it cannot be dropped, nothing is deleted that could still say so. */
async function resetFiles(
  context: CommandContext,
  { files, kept, usesSlot, deleteAll }: ResetPlan,
  slot?: LogDrop,
): Promise<number> {
  const { settings, output } = context;
  const stays =
    usesSlot && slot === undefined
      ? ['The replication slot stays on the source, which keeps its log for it: `pgsluice log drop` drops it.']
      : [];
  const things = [...(slot?.things ?? []), ...files];
  if (things.length === 0) {
    output.print([
      `There is nothing to delete: neither ${placeOfRows(settings) ?? settings.warehousePath} nor ${settings.statePath} exists.`,
      ...kept,
      ...(slot?.kept ?? []),
    ]);
  } else if (await confirm(things.join(', '), context)) {
    await slot?.dropAll((line) => output.print([line]));
    output.print([...deleteAll(), ...kept, ...(slot?.kept ?? []), ...stays]);
  } else {
    output.print(['Nothing was deleted.']);
  }
  return EXIT.ok;
}
