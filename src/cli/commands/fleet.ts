/** `pgsluice fleet …`: many sources, many workers. */
import { cancel, init, requestMaintenance, requestSync, sourcesOf, status, work, type FleetSetup } from '../../fleet';
import { counted } from '../../common/counted';
import { ConnectorError } from '../../common/errors';
import { nearest } from '../../config/nearest';
import type { Command, CommandContext } from '../command';
import { EXIT } from '../exit-codes';
import { FLEET_ACTIONS } from '../fleet-declaration';
import { printJson, wantsJson } from '../json-document';
import { lazy } from '../lazy';
import { renderFleet, renderSources } from '../render-fleet';

type Action = (setup: FleetSetup, names: readonly string[], context: CommandContext) => Promise<number>;

const ACTIONS: Readonly<Record<(typeof FLEET_ACTIONS)[number], Action>> = {
  init: async (setup, names, { output }) => {
    none('init', names);
    const { queue, scheduled, sources } = await init(setup, output.logger);
    output.print([
      `The fleet is ready: its queue is in ${queue}.`,
      `${counted(scheduled, 'source')} of ${sources} ${scheduled === 1 ? 'has' : 'have'} a schedule. Start workers with \`pgsluice fleet work\`.`,
    ]);
    return EXIT.ok;
  },
  sources: async (setup, names, context) => {
    none('sources', names);
    const sources = (await sourcesOf(setup)).map(({ name, schedule, file, settings }) => ({
      name,
      schedule,
      destinationSchema: settings.destinationSchema,
      file,
    }));
    if (wantsJson(context)) printJson(context, sources);
    else context.output.print(renderSources(sources, context.io.stdout.columns));
    return EXIT.ok;
  },
  work: async (setup, names, { output, signal, version }) => {
    none('work', names);
    await work(setup, output.logger, signal, {
      text: (found) => `${renderFleet(found, new Date(), undefined).join('\n')}\n`,
      page: () => lazy.observe().renderFleetPage(version),
    });
    return EXIT.ok;
  },
  sync: async (setup, names, { output, switches }) => {
    const all = switches['all'] === 'true';
    if (all === names.length > 0)
      throw usage('`fleet sync` needs the names of sources, or --all.', '`pgsluice fleet sources` lists them.');
    const requested = await requestSync(setup, all ? 'all' : names, output.logger);
    output.print(
      requested.map(({ name, sent }) =>
        sent ? `${name} is in the queue` : `${name} waits or is being planned already`,
      ),
    );
    return EXIT.ok;
  },
  status: async (setup, names, context) => {
    none('status', names);
    const found = await status(setup, context.output.logger);
    if (wantsJson(context)) printJson(context, found);
    else context.output.print(renderFleet(found, new Date(), context.io.stdout.columns));
    return EXIT.ok;
  },
  cancel: async (setup, names, { output }) => {
    const [name] = names;
    if (name === undefined || names.length > 1) throw usage('`fleet cancel` needs the name of one source.');
    const jobs = await cancel(setup, name, output.logger);
    output.print([
      jobs === 0
        ? `${name} has no job that waits or runs.`
        : `Cancelled ${counted(jobs, 'job')} of ${name}; what was committed is kept, and the next sync goes on from there.`,
    ]);
    return EXIT.ok;
  },
  maintain: async (setup, names, { output }) => {
    none('maintain', names);
    const sent = await requestMaintenance(setup, output.logger);
    output.print([sent ? 'The maintenance is in the queue.' : 'A maintenance waits or runs already.']);
    return EXIT.ok;
  },
};

export const fleet: Command = async (context) => {
  const { settings, configurationPath, io, switches } = context;
  const [action, ...names] = (switches['what'] ?? '').split('\n').filter((word) => word !== '');
  const known = FLEET_ACTIONS.find((each) => each === action);
  if (known === undefined) {
    const meant = action === undefined ? undefined : nearest(action, FLEET_ACTIONS);
    throw usage(
      action === undefined
        ? '`fleet` needs a word that says what to do.'
        : `There is no \`fleet ${action.slice(0, 40)}\`.`,
      meant === undefined ? `The words are ${FLEET_ACTIONS.join(', ')}.` : `Did you mean \`fleet ${meant}\`?`,
    );
  }
  return await ACTIONS[known]({ settings, configurationPath, env: io.env }, names, context);
};

function none(action: string, names: readonly string[]): void {
  if (names.length > 0) throw usage(`\`fleet ${action}\` takes no further word.`);
}

function usage(message: string, hint?: string): ConnectorError {
  return new ConnectorError(message, {
    code: 'usage',
    kind: 'configuration',
    ...(hint === undefined ? {} : { hint }),
  });
}
