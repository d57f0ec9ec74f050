/**
 * A fleet: many sources, and as many workers as wished, that fill one lake.
 *
 * The queue is pg-boss's, in PostgreSQL. `jobs` says which jobs there are; a worker (`worker`) takes them and calls the
 * use cases of app (`do-job`). `source-limits` keeps the number of connections to a source over all workers. Exactly
 * once does not come from the queue, which may deliver a job twice, but from the lake's commit
 * (destinations/ducklake/state-rows). Everybody outside of this folder imports from here.
 */
import type { Client } from 'pg';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import { initFleet, type InitReport } from './init';
import { maintainData, planData } from './jobs';
import { cronChecker, FleetQueue } from './queue';
import { assertQueue, connectToQueue, shownQueue } from './queue-server';
import { readSources, sourceNamed, type FleetSetup, type FleetSource } from './sources';
import { fleetStatus, type FleetStatus } from './status';

export type { FleetSetup, FleetSource, FleetStatus, InitReport };
export { work } from './work';

export async function sourcesOf(setup: FleetSetup): Promise<readonly FleetSource[]> {
  return readSources(setup, await cronChecker());
}

export async function init(setup: FleetSetup, logger: Logger): Promise<InitReport> {
  return await initFleet(setup.settings, await sourcesOf(setup), logger);
}

export interface Requested {
  readonly name: string;
  /** False: it waits or runs already. */
  readonly sent: boolean;
}

/** Asks for a sync of these sources, or of all. */
export async function requestSync(
  setup: FleetSetup,
  names: readonly string[] | 'all',
  logger: Logger,
): Promise<readonly Requested[]> {
  const sources = await sourcesOf(setup);
  const wanted =
    names === 'all' ? sources : names.map((name) => sourceNamed(sources, name, setup.settings.fleet.sources));
  return await withQueue(setup.settings, logger, async (queue) => {
    const requested: Requested[] = [];
    for (const { name } of wanted) requested.push({ name, sent: await queue.send(planData(name)) });
    return requested;
  });
}

/** Asks for a maintenance; false where one waits or runs already. */
export async function requestMaintenance(setup: FleetSetup, logger: Logger): Promise<boolean> {
  return await withQueue(setup.settings, logger, (queue) => queue.send(maintainData()));
}

/** Returns how many jobs were cancelled. */
export async function cancel(setup: FleetSetup, name: string, logger: Logger): Promise<number> {
  const sources = await sourcesOf(setup);
  return await withQueue(setup.settings, logger, async (queue) => {
    // Jobs of a source whose file is gone can be cancelled too.
    const cancelled = await queue.cancel(name);
    if (cancelled === 0) sourceNamed(sources, name, setup.settings.fleet.sources);
    return cancelled;
  });
}

export async function status(setup: FleetSetup, logger: Logger): Promise<FleetStatus> {
  const sources = await sourcesOf(setup);
  const { settings } = setup;
  return await withQueue(settings, logger, (queue) => fleetStatus(queue, shownQueue(settings), sources, new Date()));
}

async function withQueue<T>(settings: Settings, logger: Logger, action: (queue: FleetQueue) => Promise<T>): Promise<T> {
  const client: Client = await connectToQueue(settings, (error) => logger.warning(error.describe()));
  let queue: FleetQueue | undefined;
  try {
    await assertQueue(client, settings);
    queue = await FleetQueue.open(settings, logger);
    return await action(queue);
  } finally {
    await queue?.close();
    await client.end().catch(() => undefined);
  }
}
