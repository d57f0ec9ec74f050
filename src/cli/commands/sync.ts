/**
 * `pgsluice sync` and `reconcile`.
 *
 * Each file of this folder is one command: it calls a use case of app, and prints what comes of it. `../command` has the
 * interface, and `../run-command` loads a command only when it is asked for (`../lazy-commands`).
 */
import { combineObservers } from '../../app/combine-observers';
import { runSync } from '../../app/sync-run';
import { asConnectorError } from '../../common/errors';
import type { SyncReport } from '../../model/report';
import type { Command, CommandContext } from '../command';
import { EXIT, exitCodeOfReport } from '../exit-codes';
import { lazy } from '../lazy';
import { renderReport } from '../report-lines';
import type { Watching } from '../watching';
import { isWanted, tracesWanted } from '../watching-wanted';

interface Purpose {
  readonly reconcile?: boolean;
  readonly keysOnly?: boolean;
}

/** Replicates the tables; tables that cannot be read do not stop the others. */
export const sync: Command = async (context) =>
  await run(context, { reconcile: context.switches['reconcile'] === 'true' });

/** Looks for deleted rows and nothing else. */
export const reconcile: Command = async (context) => await run(context, { keysOnly: true });

async function run(context: CommandContext, purpose: Purpose): Promise<number> {
  const { output } = context;
  let report: SyncReport;
  try {
    report = await runWatched(context, purpose);
  } catch (error) {
    output.print(['', asConnectorError(error).kind === 'interrupted' ? 'Sync INTERRUPTED' : 'Sync FAILED']);
    throw error;
  }
  const code = exitCodeOfReport(report);
  if (context.switches['quiet'] !== 'true' || code !== EXIT.ok) output.print(renderReport(report));
  return code;
}

async function startWatching({ settings, output, io, secrets, version }: CommandContext): Promise<Watching> {
  const traces = tracesWanted(io.env) ? { startTraces: lazy.traces().startTraces } : {};
  return await lazy.watching().startWatching(settings, { version, secrets, logger: output.logger, ...traces });
}

/** Runs with page, metrics, report and traces, as requested. */
async function runWatched(context: CommandContext, purpose: Purpose): Promise<SyncReport> {
  const { settings, output, signal } = context;
  const { logger } = output;
  const watching = isWanted(settings, context.io.env) ? await startWatching(context) : undefined;
  const observer = combineObservers(
    output.observer,
    ...(context.summary === undefined ? [] : [context.summary.observer]),
    ...(watching === undefined ? [] : [watching.observer]),
  );
  // A failure in the report or the metrics must not change the sync's result.
  const finish = async (outcome: SyncReport | { readonly error: unknown }): Promise<void> => {
    await watching?.end(outcome).catch((error: unknown) => logger.warning(asConnectorError(error).describe()));
  };
  let report: SyncReport;
  try {
    report = await runSync(settings, {
      logger: watching?.logger ?? logger,
      signal,
      observer,
      ownProcess: true,
      ...purpose,
    });
  } catch (error) {
    await finish({ error });
    throw error;
  }
  for (const table of report.tables) context.summary?.note(table);
  await finish(report);
  return report;
}
