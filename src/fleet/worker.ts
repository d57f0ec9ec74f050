/**
 * A worker: it takes jobs as long as it has room for them, and does them in its own process.
 *
 *   look for sources with jobs ──> take tokens of one ──> take a job ──> do it ──> complete, fail or hand back
 *
 * It says every few seconds that it still has its jobs. A job that is no longer its own (it was cancelled, or another
 * worker took it because this one was silent) is broken off. What such a job has already written does not count twice:
 * the lake's commit lets only one owner of a table's state go on (destinations/ducklake/state-rows).
 *
 * At the first signal it takes no more jobs, gives those it has some time, and hands the rest back.
 */
import { asConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { sleep } from '../common/retry';
import { settleAll } from '../common/settle-all';
import type { Settings } from '../config/settings';
import { createProcessStats } from '../native/process-stats';
import { diskOf } from '../destinations/place';
import { ResourceMonitor, SYNC_CPU_WINDOW_MS, type PressureSource } from '../engine/pressure';
import { CannotDo, doJob, maintainAll, JobFailed, type JobContext, type JobOutcome } from './do-job';
import { describeJob, type JobData } from './jobs';
import type { FleetJob, FleetQueue, ReadyJobs } from './queue';
import type { SourceLimits, Tokens } from './source-limits';
import type { FleetSource } from './sources';

export interface WorkerOptions {
  readonly name: string;
  readonly settings: Settings;
  readonly queue: FleetQueue;
  readonly limits: SourceLimits;
  readonly logger: Logger;
  /** As last read. */
  readonly sources: () => readonly FleetSource[];
  /** Take no more jobs. */
  readonly drain: AbortSignal;
  /** Nothing can go on: the queue was lost. */
  readonly lost: AbortSignal;
}

const LOOK_MS = 1_000;
/** Three of them are missed before pg-boss gives the job to another worker (`heartbeatSeconds` of jobs). */
const TOUCH_MS = 3_000;
/** The queue's server gives up a session after some 20 s without an answer (fleet/queue-server). */
const MOST_UNANSWERED = 4;
/** A job that this worker cannot do is left to others for so long. */
const REFUSED_SECONDS = 60;
/** After it was broken off, a job has so long to end. */
const BREAK_OFF_SECONDS = 10;

interface Running {
  readonly data: JobData;
  readonly ended: Promise<void>;
  readonly abort: AbortController;
}

export class Worker {
  private readonly running = new Set<Running>();
  /** By source: until when it is left to other workers, in ms. */
  private readonly refused = new Map<string, number>();
  private readonly monitor: ResourceMonitor;
  private wake: () => void = () => undefined;

  constructor(private readonly options: WorkerOptions) {
    this.monitor = new ResourceMonitor(
      createProcessStats(diskOf(options.settings)),
      SYNC_CPU_WINDOW_MS,
      SYNC_CPU_WINDOW_MS,
    );
  }

  /** For people: what it does now. */
  get jobs(): readonly JobData[] {
    return [...this.running].map(({ data }) => data);
  }

  /** Resolves when it has drained. Rejects where the queue was lost. */
  async run(): Promise<void> {
    const { drain, lost, logger, settings } = this.options;
    const stop = AbortSignal.any([drain, lost]);
    while (!stop.aborted) {
      const took = await this.takeOne().catch((error: unknown) => {
        if (!stop.aborted) logger.warning(asConnectorError(error).describe());
        return false;
      });
      if (!took) await this.pause(stop);
    }
    if (lost.aborted) this.breakOff('the queue was lost');
    else await this.drained(settings.fleet.drainSeconds);
    await Promise.race([settleAll([...this.running].map(({ ended }) => ended)), sleep(BREAK_OFF_SECONDS)]);
    if (lost.aborted) throw lost.reason;
  }

  private async drained(seconds: number): Promise<void> {
    if (this.running.size === 0) return;
    const all = settleAll([...this.running].map(({ ended }) => ended));
    await Promise.race([all, sleep(seconds)]);
    this.breakOff(DRAINED);
  }

  private breakOff(reason: string): void {
    for (const { abort } of this.running) abort.abort(reason);
  }

  /** Until the next look, or until a job has ended. */
  private async pause(stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      const timer = setTimeout(resolve, LOOK_MS);
      over.signal.addEventListener('abort', () => clearTimeout(timer));
      stop.addEventListener('abort', () => resolve(), { signal: over.signal });
      if (stop.aborted) resolve();
    });
    over.abort();
  }

  /** False where there is nothing that it can take now. */
  private async takeOne(): Promise<boolean> {
    const { queue, settings } = this.options;
    if (this.running.size >= settings.fleet.jobs) return false;
    const ready = await queue.ready();
    const names = ready.map(({ source }) => source);
    for (const each of ready) {
      if ((this.refused.get(each.source) ?? 0) > Date.now()) continue;
      const tokens = await this.tokensFor(each);
      if (tokens === 'none') continue;
      const job = await queue.take(each, names).catch(async (error: unknown) => {
        await tokens?.release();
        throw error;
      });
      if (job === undefined || job.data.source !== each.source) {
        await tokens?.release();
        // It came between the look and this, from a source whose tokens this worker has not asked for.
        if (job !== undefined) await queue.handBack(job, job.data, 0);
        continue;
      }
      this.start(job, tokens);
      return true;
    }
    return false;
  }

  /** undefined: it needs none. */
  private async tokensFor({ queue, source }: ReadyJobs): Promise<Tokens | undefined | 'none'> {
    const found = this.sourceOf(source);
    // A job of a source that is not known here is taken, to be given up with a reason.
    if (queue === 'maintain' || found === undefined) return undefined;
    const { readers } = found.settings.fleet;
    const { jobs } = this.options.settings.fleet;
    // A job must not take what others need: those of this worker, and those of another one while this one hangs.
    const wanted = queue === 'plan' ? 1 : Math.max(1, Math.floor(readers / Math.max(jobs, 2)));
    return (await this.options.limits.take(source, readers, wanted)) ?? 'none';
  }

  private sourceOf(name: string): FleetSource | undefined {
    return this.options.sources().find((source) => source.name === name);
  }

  private start(job: FleetJob, tokens: Tokens | undefined): void {
    const abort = new AbortController();
    const running: Running = {
      data: job.data,
      abort,
      ended: this.perform(job, tokens, abort).finally(() => {
        this.running.delete(running);
        this.wake();
      }),
    };
    running.ended.catch(() => undefined);
    this.running.add(running);
  }

  private async perform(job: FleetJob, tokens: Tokens | undefined, abort: AbortController): Promise<void> {
    const { queue, logger } = this.options;
    const { data } = job;
    const what = `${data.source === '' ? '' : `[${data.source}] `}${describeJob(data)}`;
    let unanswered = 0;
    const heartbeat = setInterval(() => {
      unanswered += 1;
      // Others have the job by now. They get its tokens too, when the server has given up the session of a lost network.
      if (unanswered > MOST_UNANSWERED) abort.abort(LOST_JOB);
      queue.touch(job).then(
        (own) => {
          unanswered = 0;
          if (!own) abort.abort(LOST_JOB);
        },
        // It says nothing about whose the job is.
        () => undefined,
      );
    }, TOUCH_MS);
    logger.info(`Began ${what}`, { source: data.source });
    try {
      await this.settle(job, what, await this.attempt(job, tokens, abort));
    } catch (error) {
      logger.warning(`${what}: ${asConnectorError(error).describe()}`);
    } finally {
      clearInterval(heartbeat);
      await tokens?.release();
    }
  }

  private async attempt(
    job: FleetJob,
    tokens: Tokens | undefined,
    abort: AbortController,
  ): Promise<JobOutcome | { readonly error: unknown; readonly reason: unknown }> {
    const { queue, logger, sources } = this.options;
    const { data, id } = job;
    const { signal } = abort;
    try {
      if (data.kind === 'maintain') return await maintainAll(sources(), signal, logger);
      const send: JobContext['send'] = async (jobs) => {
        if (await queue.sendFrom(job, jobs)) return;
        abort.abort(LOST_JOB);
        signal.throwIfAborted();
      };
      const connections = tokens?.count ?? 1;
      const context: JobContext = { queue, send, logger, signal, connections, pressure: this.pressure() };
      return await doJob(id, data, this.sourceOf(data.source), context);
    } catch (error) {
      return { error, reason: signal.reason };
    }
  }

  private async settle(job: FleetJob, what: string, outcome: Awaited<ReturnType<Worker['attempt']>>): Promise<void> {
    const { queue, logger, name } = this.options;
    const { data } = job;
    if (!('error' in outcome)) {
      const own =
        data.kind === 'part' ? await queue.completePart(job, data, outcome) : await queue.complete(job, outcome);
      logger.info(own ? `Finished ${what}: ${outcome.summary}` : `${what} was no longer this worker's when it ended`);
      return;
    }
    const { error, reason } = outcome;
    if (reason === LOST_JOB) {
      logger.warning(`${what} was cancelled, or given to another worker; it was broken off here.`);
    } else if (reason === DRAINED) {
      if (data.kind === 'part') await queue.fail(job, { message: 'handed back by a worker that drains' });
      else await queue.handBack(job, data, 0);
      logger.info(`Handed ${what} back`);
    } else if (error instanceof CannotDo) {
      this.refused.set(data.source, Date.now() + REFUSED_SECONDS * 1000);
      const refusals = { ...data.refusals, [name]: error.message };
      await queue.handBack(job, { ...data, refusals }, 0);
      logger.warning(`Gave up ${what}, for another worker: ${error.message}`);
    } else {
      const { message } = asConnectorError(error);
      const { code = 'internal', failures = {} } = error instanceof JobFailed ? error : {};
      await queue.fail(job, { message, code, failures });
      logger.severe(`${what} failed: ${message}`, { source: data.source, code });
    }
  }

  /** Jobs share the host's memory. */
  private pressure(): PressureSource {
    const { monitor } = this;
    const { jobs } = this.options.settings.fleet;
    return {
      read: () => {
        const figures = monitor.read();
        return { ...figures, memoryAvailableBytes: figures.memoryAvailableBytes / jobs };
      },
    };
  }
}

const LOST_JOB = "the job is not this worker's any more";
const DRAINED = 'the worker drains';
