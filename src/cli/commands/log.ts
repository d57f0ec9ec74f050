import { withLogDrop } from '../../app/log/log-drop';
import { applyLogSetup, planLogSetup, refused } from '../../app/log/log-setup';
import { readLogStatus } from '../../app/log/log-status';
import { withSource } from '../../app/pipeline';
import type { CatalogReader } from '../../app/read-catalog';
import { ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import type { Command, CommandContext } from '../command';
import { confirm } from '../confirm';
import { EXIT } from '../exit-codes';
import { printJson, wantsJson } from '../json-document';
import { renderLogStatus, renderSetup } from '../render-log';
import { wrap } from '../render-records';

/** Sets mode log up, shows how it stands, or takes it down. */
export const log: Command = async (context) => {
  switch (context.switches['action']) {
    case 'setup':
      return await setup(context);
    case 'status':
      return await status(context);
    case 'drop':
      return await drop(context);
    default:
      throw new ConnectorError('Name what to do: setup, status or drop.', {
        code: 'usage',
        kind: 'configuration',
        hint: 'Run `pgsluice log --help` to see what each does.',
      });
  }
};

/** For a look at the source: what a sync would log of its progress is not wanted. */
function withReader<T>(
  { settings, output, signal }: CommandContext,
  action: (reader: CatalogReader) => Promise<T>,
): Promise<T> {
  const logger = quiet({ output });
  // A pooler shows only where two connections are open.
  return withSource(settings, logger, 2, (manager) => action({ manager, settings, logger, signal }));
}

const quiet = ({ output: { logger } }: Pick<CommandContext, 'output'>): Logger => ({
  ...logger,
  info: (message: string) => logger.debug(message),
});

const widthOf = ({ io }: CommandContext): number | undefined =>
  io.stdout.isTTY === true ? io.stdout.columns : undefined;

/** Prints SQL, with all else as its comments, so that it can be piped to psql as it is. */
async function setup(context: CommandContext): Promise<number> {
  return await withReader(context, async (reader) => {
    const planned = await planLogSetup(reader);
    const { obstacles, rights, statements, names, facts } = planned;
    if (context.switches['apply'] === 'true') {
      const { done } = await applyLogSetup(planned, reader);
      if (wantsJson(context))
        printJson(context, {
          ...names,
          done,
          existing: statements.existing,
          covered: statements.covered,
          uncovered: uncovered(),
        });
      else
        context.output.print([
          ...statements.existing,
          ...done,
          ...(done.length === 0 ? ['Nothing was left to do.'] : []),
          ...statements.uncovered.flatMap(({ table, gap }) =>
            wrap(
              `Not in mode log: ${table}, since ${gap.reason}.${gap.remedy === undefined ? '' : ` ${gap.remedy}`}`,
              widthOf(context),
            ),
          ),
        ]);
      return EXIT.ok;
    }
    if (wantsJson(context))
      printJson(context, {
        ...{ ...names, server: facts.server, obstacles, rights },
        statements: [...statements.publication, ...statements.slot],
        ...{ existing: statements.existing, covered: statements.covered, uncovered: uncovered() },
      });
    else context.output.print(renderSetup(planned, widthOf(context)));
    if (obstacles.length > 0) throw refused('Mode log cannot be used yet', obstacles);
    return EXIT.ok;

    function uncovered(): readonly object[] {
      return statements.uncovered.map(({ table, gap }) => ({ table, reason: gap.reason, remedy: gap.remedy ?? null }));
    }
  });
}

async function status(context: CommandContext): Promise<number> {
  const found = await withReader(context, readLogStatus);
  if (wantsJson(context)) printJson(context, found);
  else context.output.print(renderLogStatus(found, new Date(), widthOf(context)));
  return found.obstacles.every(({ code }) => code === 'slot_in_use') ? EXIT.ok : EXIT.someTablesFailed;
}

async function drop(context: CommandContext): Promise<number> {
  const { settings, output, signal } = context;
  return await withLogDrop({ settings, logger: quiet(context), signal }, async ({ things, kept, dropAll }) => {
    if (things.length === 0) output.print(['There is nothing to drop.', ...kept]);
    else if (await confirm(things.join(' and '), context)) {
      await dropAll((line) => output.print([line]));
      output.print(kept);
    } else output.print(['Nothing was dropped.']);
    return EXIT.ok;
  });
}
