/** The queue of a fleet: pg-boss, and the statements about its jobs that pg-boss has no call for. */
import type { Db, Job, PgBoss, Instance } from 'pg-boss' with { 'resolution-mode': 'import' };
import { hostname } from 'node:os';
import { asConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import type { Settings } from '../config/settings';
import {
  optionsOf,
  QUEUE_OPTIONS,
  QUEUE_POLICY,
  queueOf,
  QUEUES,
  type FinishData,
  type JobData,
  type PartData,
  type QueueName,
} from './jobs';
import { QUEUE_SCHEMA, queueError, queueLogin } from './queue-server';
import { lockClass } from './source-limits';

export type FleetJob = Job<JobData>;
export type { Instance };

/** What waits for a worker, of one source in one queue. */
export interface ReadyJobs {
  readonly queue: QueueName;
  /** Empty for `maintain`. */
  readonly source: string;
}

export interface QueueOptions {
  /** A worker supervises the queue and sends what schedules say; the other commands only look and send. */
  readonly worker?: { readonly name: string };
  /** Makes or upgrades the tables. */
  readonly install?: true;
}

/** A worker whose host died is known to be lost after three of these. */
const INSTANCE_HEARTBEAT_SECONDS = 10;
/** Number of the lock of a load's parts; tokens (fleet/source-limits) have numbers from 1 on. */
const PARTS_LOCK = 0;

export class FleetQueue {
  private constructor(
    private readonly boss: PgBoss,
    private readonly settings: Settings,
  ) {}

  static async open(settings: Settings, logger: Logger, options: QueueOptions = {}): Promise<FleetQueue> {
    const { PgBoss: Boss } = await import('pg-boss');
    const working = options.worker !== undefined;
    const boss = new Boss({
      ...queueLogin(settings),
      application_name: 'pgsluice fleet queue',
      schema: QUEUE_SCHEMA,
      max: 4,
      connectionTimeoutMillis: 15_000,
      migrate: options.install === true,
      createSchema: options.install === true,
      supervise: working,
      // A lost worker is noticed in a pass that needs both; with one of them at pg-boss's 60, it takes up to 70 s.
      superviseIntervalSeconds: 1,
      monitorIntervalSeconds: 1,
      schedule: working,
      cronMonitorIntervalSeconds: 10,
      cronWorkerIntervalSeconds: 1,
      registerInstance: working,
      ...(options.worker === undefined ? {} : { instanceName: options.worker.name }),
      instanceHeartbeatSeconds: INSTANCE_HEARTBEAT_SECONDS,
      openTelemetry: { enabled: false },
    });
    boss.on('error', (error) => logger.warning(queueError(settings, error).describe()));
    boss.on('warning', ({ message }) => logger.debug(`pg-boss: ${message}`));
    try {
      await boss.start();
    } catch (error) {
      await boss.stop({ graceful: false }).catch(() => undefined);
      throw queueError(settings, error);
    }
    return new FleetQueue(boss, settings);
  }

  async close(): Promise<void> {
    await this.boss.stop({ graceful: false }).catch(() => undefined);
  }

  /** Makes the queues; as they are to be where they exist. */
  async makeQueues(): Promise<void> {
    await this.asking(async () => {
      for (const name of QUEUES) {
        await this.boss.createQueue(name, { ...QUEUE_OPTIONS, policy: QUEUE_POLICY });
        await this.boss.updateQueue(name, QUEUE_OPTIONS);
      }
    });
  }

  /** Sends the job; false where one of its key waits or runs already. */
  async send(data: JobData): Promise<boolean> {
    return await this.asking(async () => (await this.boss.send(queueOf(data), data, optionsOf(data))) !== null);
  }

  async sendAll(jobs: readonly JobData[]): Promise<void> {
    await this.asking(async () => {
      for (const queue of QUEUES) {
        const ofQueue = jobs.filter((data) => queueOf(data) === queue).map((data) => ({ data, ...optionsOf(data) }));
        if (ofQueue.length > 0) await this.boss.insert(queue, ofQueue);
      }
    });
  }

  /** Sends what follows from a job. False, with nothing sent: it was cancelled, or another worker has it. */
  async sendFrom(job: FleetJob, jobs: readonly JobData[]): Promise<boolean> {
    if (!(await this.touch(job))) return false;
    await this.sendAll(jobs);
    return true;
  }

  /** Replaces all schedules; jobs of one that is gone are no longer sent. */
  async schedule(wanted: readonly { readonly data: JobData; readonly cron: string }[]): Promise<void> {
    await this.asking(async () => {
      const keys = new Set(wanted.map(({ data }) => `${queueOf(data)}/${data.source}`));
      for (const { name, key } of await this.boss.getSchedules(undefined, undefined, { limit: 100_000 }))
        if (!keys.has(`${name}/${key}`)) await this.boss.unschedule(name, key);
      for (const { data, cron } of wanted)
        await this.boss.schedule(queueOf(data), cron, data, { ...optionsOf(data), key: data.source, tz: 'UTC' });
    });
  }

  /** By source: its cron. */
  async schedules(): Promise<ReadonlyMap<string, string>> {
    const found = await this.asking(() => this.boss.getSchedules('plan', undefined, { limit: 100_000 }));
    return new Map(found.map(({ key, cron }) => [key, cron]));
  }

  /** The sources whose jobs wait, those that wait longest first. */
  async ready(): Promise<readonly ReadyJobs[]> {
    const rows = await this.rows<{ name: QueueName; group_id: string | null }>(
      `SELECT name, group_id FROM ${QUEUE_SCHEMA}.job WHERE name = ANY($1) AND state < 'active' AND start_after <= now() ` +
        'AND NOT blocked GROUP BY name, group_id ORDER BY max(priority) DESC, min(created_on)',
      [QUEUES],
    );
    return rows.map(({ name, group_id }) => ({ queue: name, source: group_id ?? '' }));
  }

  /** Takes a job of that source; undefined where another worker was quicker. */
  async take({ queue, source }: ReadyJobs, others: readonly string[]): Promise<FleetJob | undefined> {
    const ignored = others.filter((name) => name !== source && name !== '');
    const options = ignored.length === 0 ? {} : { ignoreGroups: ignored };
    const [job] = await this.asking(() => this.boss.fetch<JobData>(queue, options));
    return job;
  }

  /** Says that the job is being done. False: it was cancelled, or another worker has it. */
  async touch(job: FleetJob): Promise<boolean> {
    const answer = (await this.asking(() => this.boss.touch(job.name, job))) as { readonly affected: number };
    return answer.affected > 0;
  }

  async complete(job: FleetJob, output: object): Promise<boolean> {
    const answer = (await this.asking(() => this.boss.complete(job.name, job, output))) as {
      readonly affected: number;
    };
    return answer.affected > 0;
  }

  /** It is tried again, up to its limit. */
  async fail(job: FleetJob, output: object): Promise<void> {
    await this.asking(() => this.boss.fail(job.name, job, output));
  }

  /** Another worker takes it, or this one later; it does not count as tried. */
  async handBack(job: FleetJob, data: JobData, afterSeconds: number): Promise<void> {
    await this.inTransaction(async (db) => {
      if ((await this.completed(job, { handedBack: true }, db)) > 0)
        await this.boss.send(job.name, data, { ...optionsOf(data), db, startAfter: afterSeconds });
    });
  }

  /**
   * Completes a part, and sends what ends its load where it was the last one: both or neither, so that a round with a load
   * that has not ended is never taken for done. False: the job was cancelled, or another worker has it.
   */
  async completePart(job: FleetJob, data: PartData, output: object): Promise<boolean> {
    const { format, source, round, part } = data;
    return await this.inTransaction(async (db) => {
      // The one of two last parts that is completed second must see the first.
      await db.executeSql('SELECT pg_advisory_xact_lock($1, $2)', [lockClass(`parts\0${part.load}`), PARTS_LOCK]);
      if ((await this.completed(job, output, db)) === 0) return false;
      const finishing: FinishData = { format, kind: 'finish', source, round, table: part.table };
      if ((await partsLeft(db, data)) === 0)
        await this.boss.send(queueOf(finishing), finishing, { ...optionsOf(finishing), db });
      return true;
    });
  }

  /** Returns how many jobs that were: 0 where it is another's. */
  private async completed(job: FleetJob, output: object, db: Db): Promise<number> {
    const answer = (await this.boss.complete(job.name, job, output, { db })) as { readonly affected: number };
    return answer.affected;
  }

  private async inTransaction<T>(action: (db: Db) => Promise<T>): Promise<T> {
    return await this.asking(async () => {
      const transaction = await this.boss.getDb().beginTransaction?.();
      if (transaction === undefined) throw new Error('pg-boss has no transactions.');
      try {
        const result = await action(transaction.db);
        await transaction.commit();
        return result;
      } catch (error) {
        await transaction.rollback();
        throw error;
      }
    });
  }

  /** Jobs of the source that wait or run, planning not counted. */
  async unfinished(source: string): Promise<number> {
    const [row] = await this.rows<{ n: string }>(
      `SELECT count(*) AS n FROM ${QUEUE_SCHEMA}.job WHERE name = 'work' AND group_id = $1 AND state <= 'active'`,
      [source],
    );
    return Number(row?.n ?? 0);
  }

  /** Cancels what waits or runs for the source; returns how many jobs that were. */
  async cancel(source: string): Promise<number> {
    const rows = await this.rows<{ name: string; id: string }>(
      `SELECT name, id FROM ${QUEUE_SCHEMA}.job WHERE group_id = $1 AND state <= 'active' ORDER BY name = 'work'`,
      [source],
    );
    await this.asking(async () => {
      for (const name of QUEUES) {
        const ids = rows.filter((row) => row.name === name).map(({ id }) => id);
        if (ids.length > 0) await this.boss.cancel(name, ids);
      }
    });
    return rows.length;
  }

  async instances(): Promise<readonly Instance[]> {
    return await this.asking(() => this.boss.getInstances({ limit: 10_000 }));
  }

  async rows<T>(sql: string, values: readonly unknown[] = []): Promise<readonly T[]> {
    const database: Db = this.boss.getDb();
    return (await this.asking(() => database.executeSql(sql, [...values]))).rows as T[];
  }

  private async asking<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw queueError(this.settings, error);
    }
  }
}

/** Parts of the load in this round that are not loaded: those that have failed are left to the next round. */
async function partsLeft(db: Db, { source, round, part }: PartData): Promise<number> {
  const { rows } = await db.executeSql(
    `SELECT count(*) AS n FROM ${QUEUE_SCHEMA}.job WHERE name = 'work' AND group_id = $1 AND state <> 'completed' ` +
      "AND data ->> 'kind' = 'part' AND data -> 'part' ->> 'load' = $2 AND data ->> 'round' = $3",
    [source, part.load, round],
  );
  const [row] = rows as readonly { readonly n: string }[];
  return Number(row?.n ?? 0);
}

/** `host:pid`, as the registry of pg-boss and the log show a worker. */
export function workerName(): string {
  return `${hostname()}:${process.pid}`;
}

/** What is wrong with a cron expression, by pg-boss itself. */
export async function cronChecker(): Promise<(cron: string) => string | undefined> {
  const { PgBoss: Boss } = await import('pg-boss');
  // It is never started, so it connects to nothing.
  const boss = new Boss({ connectionString: 'postgresql://localhost/none' });
  return (cron) => {
    if (cron.trim().split(/\s+/).length !== 5) return 'it has not five fields';
    try {
      boss.previewSchedule(cron, { count: 1 });
      return undefined;
    } catch (error) {
      return asConnectorError(error).message;
    }
  };
}
