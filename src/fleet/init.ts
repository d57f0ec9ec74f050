/** Makes what a fleet needs, once: the lake's catalog, the queue, and the schedules of the sources. */
import type { Client } from 'pg';
import type { Logger } from '../common/logger';
import { createDestination } from '../destinations/registry';
import type { Settings } from '../config/settings';
import { maintainData, planData, type JobData } from './jobs';
import { FleetQueue } from './queue';
import { anotherVersion, assertClock, connectToQueue, queueVersion, QUEUE_VERSION, shownQueue } from './queue-server';
import { lockClass } from './source-limits';
import type { FleetSource } from './sources';

export interface InitReport {
  readonly queue: string;
  /** Sources with a schedule. */
  readonly scheduled: number;
  readonly sources: number;
}

/** The key of the lock that lets one `fleet init` run at a time. */
const INIT_LOCK = 0;

/** May be repeated, and is after the sources have changed: schedules of sources that are gone end. */
export async function initFleet(
  settings: Settings,
  sources: readonly FleetSource[],
  logger: Logger,
): Promise<InitReport> {
  const client = await connectToQueue(settings, (error) => logger.warning(error.describe()));
  try {
    await assertClock(client);
    await alone(client);
    const version = await queueVersion(client);
    if (version !== undefined && version > QUEUE_VERSION) throw anotherVersion(version, shownQueue(settings));
    await makeLake(sources, logger);
    const queue = await FleetQueue.open(settings, logger, { install: true });
    try {
      await queue.makeQueues();
      const { maintain } = settings.fleet;
      const planned = sources.flatMap(({ name, schedule }): { data: JobData; cron: string }[] =>
        schedule === null ? [] : [{ data: planData(name), cron: schedule }],
      );
      await queue.schedule([...planned, { data: maintainData(), cron: maintain }]);
      return { queue: shownQueue(settings), scheduled: planned.length, sources: sources.length };
    } finally {
      await queue.close();
    }
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Two processes that make one lake, or one queue, at the same time would stand in each other's way. */
async function alone(client: Client): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1, $2)', [lockClass('init'), INIT_LOCK]);
}

/** The first source's schema is made with it; those of the others come with their first planning. */
async function makeLake([first]: readonly FleetSource[], logger: Logger): Promise<void> {
  if (first === undefined) return;
  const destination = createDestination(first.settings, NaN, logger);
  try {
    await destination.open();
  } finally {
    await destination.close();
  }
}
