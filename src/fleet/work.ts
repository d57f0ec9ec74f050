/** `fleet work`: a worker as a process, from its checks at the start to its end. */
import { asConnectorError, type ConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { startHealthServer, type FleetViews } from './health-server';
import { describeJob } from './jobs';
import { cronChecker, FleetQueue, workerName } from './queue';
import { assertClock, assertQueue, clockAhead, clockProblem, connectToQueue, shownQueue } from './queue-server';
import { SourceLimits } from './source-limits';
import { readSources, type FleetSetup } from './sources';
import { fleetStatus } from './status';
import { Worker } from './worker';

/** How often the folder of sources is read anew, and the clocks are compared. */
const RENEWAL_MS = 30_000;

/** Resolves when `signal` has aborted and its jobs have ended or were handed back. Rejects where the queue is lost. */
export async function work(setup: FleetSetup, logger: Logger, signal: AbortSignal, views: FleetViews): Promise<void> {
  const { settings } = setup;
  const cronProblem = await cronChecker();
  let sources = readSources(setup, cronProblem);
  const lost = new AbortController();
  const onLost = (error: ConnectorError): void => {
    if (!lost.signal.aborted && !signal.aborted) lost.abort(error);
  };
  const client = await connectToQueue(settings, onLost);
  let queue: FleetQueue | undefined;
  try {
    await assertQueue(client, settings);
    await assertClock(client);
    const name = workerName();
    const opened = (queue = await FleetQueue.open(settings, logger, { worker: { name } }));
    const worker = new Worker({
      ...{ name, settings, queue: opened, logger, drain: signal, lost: lost.signal },
      limits: new SourceLimits(client),
      sources: () => sources,
    });
    const notReady = (): string | undefined => {
      if (lost.signal.aborted) return 'the queue was lost';
      return signal.aborted ? 'the worker drains' : undefined;
    };
    const renewal = setInterval(() => {
      try {
        sources = readSources(setup, cronProblem);
      } catch (error) {
        logger.warning(`${asConnectorError(error).describe()} The sources stay as they were read before.`);
      }
      clockAhead(client).then(
        (ahead) => {
          const problem = clockProblem(ahead);
          if (problem !== undefined) logger.warning(problem.describe());
        },
        () => undefined,
      );
    }, RENEWAL_MS);
    const health =
      settings.metricsPort === undefined
        ? undefined
        : await startHealthServer({
            host: settings.metricsHost,
            port: settings.metricsPort,
            notReady,
            views,
            status: () => fleetStatus(opened, shownQueue(settings), sources, new Date()),
          });
    logger.info(`Worker ${name} takes jobs of ${sources.length} sources from ${shownQueue(settings)}`);
    if (health !== undefined) logger.info(`Health and metrics: ${health.url}`);
    signal.addEventListener('abort', () => {
      const jobs = worker.jobs.map((data) => `${data.source} ${describeJob(data)}`);
      logger.info(jobs.length === 0 ? 'Draining' : `Draining, with ${jobs.join('; ')}`);
    });
    try {
      await worker.run();
    } finally {
      clearInterval(renewal);
      await health?.close();
    }
  } finally {
    await queue?.close();
    await client.end().catch(() => undefined);
  }
}
