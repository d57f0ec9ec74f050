/** Opens what the work on a load in parts needs: source and destination, as a sync does, for one table. */
import { asConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import { retryDelaySeconds, sleep } from '../../common/retry';
import type { Settings } from '../../config/settings';
import type { PartsDestination, PartsWork } from '../../destinations/parts';
import { createPartsDestination } from '../../destinations/registry';
import { LoadInParts } from '../../engine/passes';
import type { TableRun } from '../../engine/plan';
import { tableKey } from '../../model/table';
import type { SourceSelection } from '../../model/source-selection';
import { planOf } from '../discovery';
import { Lifecycle } from '../lifecycle';
import { openSync } from '../open-sync';
import { claimSchema } from '../origin';
import { decideRuns } from '../pipeline';
import type { RunContext } from '../run-context';
import { RunRecorder } from '../run-recorder';
import { SyncMemory } from '../sync-memory';
import { TableSync } from '../table-sync';

export interface PartsContext {
  /** The settings of the source, as for a sync. */
  readonly settings: Settings;
  readonly run: RunContext;
  /** Bytes of the source's table in a part; tables of less than two parts are not cut. */
  readonly partBytes?: number;
}

export interface OpenParts {
  readonly destination: PartsDestination;
  /** undefined: the table is not there, or cannot be read. */
  readonly table: TableRun | undefined;
  /** For work on `table`. */
  readonly lend: <T>(run: TableRun, work: (load: LoadInParts) => Promise<T>) => Promise<T>;
}

/** Runs `action` with source and destination open; tries again where that may help. */
export async function withParts<T>(
  { settings, run: context }: PartsContext,
  work: PartsWork,
  action: (opened: OpenParts) => Promise<T>,
): Promise<T> {
  const attempts = Math.max(1, settings.maxRetries);
  for (let attempt = 1; ; attempt += 1) {
    const lifecycle = new Lifecycle();
    try {
      return await action(await openParts(lifecycle, settings, context, work));
    } catch (thrown) {
      const error = asConnectorError(thrown);
      if (!error.retryable || attempt >= attempts || context.signal.aborted) throw error;
      const delay = retryDelaySeconds(attempt - 1, settings.retrySleepSeconds);
      context.logger.warning(
        `A part of the load of ${work.table} failed, attempt ${attempt}/${attempts}: ${error.describe()} Trying again in ${delay.toFixed(2)}s`,
      );
      await sleep(delay, context.signal);
    } finally {
      await lifecycle.close();
    }
  }
}

/** The table alone. */
export function onlyTable(key: string): SourceSelection {
  return { includesTable: (table) => tableKey(table) === key, includesColumn: () => true };
}

async function openParts(
  lifecycle: Lifecycle,
  settings: Settings,
  context: RunContext,
  work: PartsWork,
): Promise<OpenParts> {
  const logger = ofPart(context.logger);
  const quiet = { ...context, logger };
  let destination: PartsDestination | undefined;
  const opened = await openSync(lifecycle, settings, quiet, new RunRecorder([], logger), (...parameters) => {
    destination = createPartsDestination(...parameters, work);
    return destination;
  });
  if (destination === undefined)
    throw new TypeError('A load in parts cannot be written to a destination that is given.');
  const selection = onlyTable(work.table);
  const discovery = planOf(opened.findings, settings, opened.module, silent(logger), { selection });
  if (work.kind === 'begin') await claimSchema(destination, settings, discovery);
  const { runs } = decideRuns(discovery, opened.states, { settings, logger: silent(logger) }, { selection });
  const memory = new SyncMemory({ ownProcess: false, readingIsTheLimit: false });
  const sync = new TableSync({ settings, context: quiet, opened, runs, log: undefined, memory });
  return {
    destination,
    table: runs.find(({ key }) => key === work.table),
    lend: (run, action) => sync.lend(run, (options) => action(new LoadInParts(options))),
  };
}

/** The sync that ends the load says what a user should know of the table. */
function silent(logger: Logger): Logger {
  const debug = (message: string): void => logger.debug(message);
  return { debug, info: debug, warning: debug, severe: debug };
}

function ofPart(logger: Logger): Logger {
  return {
    debug: (...parameters) => logger.debug(...parameters),
    info: (...parameters) => logger.debug(...parameters),
    warning: (...parameters) => logger.warning(...parameters),
    severe: (...parameters) => logger.severe(...parameters),
  };
}
