/**
 * The jobs of a fleet, and the queues that they wait in.
 *
 *   plan ──> tables: a table, or several small ones ──> done
 *     └────> begin: cut a large first load ──> part, part, … ──> finish
 *   maintain: the lake, one at a time
 *
 * A queue refuses a second job of one key while the first waits or runs (policy `exclusive` of pg-boss). So a source has
 * one planner, and a table one writer. Jobs hold names only: no login, and no row.
 */
import type { Part } from '../app/parts';
import { counted } from '../common/counted';

/** Another number stands for jobs that this version does not understand. */
export const JOB_FORMAT = 1;

export const QUEUES = ['plan', 'work', 'maintain'] as const;
export type QueueName = (typeof QUEUES)[number];

interface CommonData {
  readonly format: number;
  /** Missing for `maintain`. */
  readonly source: string;
  /** Workers that gave the job up, with their reasons. */
  readonly refusals?: Readonly<Record<string, string>>;
}

export interface PlanData extends CommonData {
  readonly kind: 'plan';
}

export interface TablesData extends CommonData {
  readonly kind: 'tables';
  /** The id of the planner's job. */
  readonly round: string;
  /** `schema.table` */
  readonly tables: readonly string[];
}

export interface BeginData extends CommonData {
  readonly kind: 'begin';
  readonly round: string;
  readonly table: string;
}

export interface PartData extends CommonData {
  readonly kind: 'part';
  readonly round: string;
  readonly part: Part;
}

export interface FinishData extends CommonData {
  readonly kind: 'finish';
  readonly round: string;
  readonly table: string;
}

export interface MaintainData extends CommonData {
  readonly kind: 'maintain';
}

export type JobData = PlanData | TablesData | BeginData | PartData | FinishData | MaintainData;

/** What pg-boss is told with a job. */
export interface JobOptions {
  readonly singletonKey: string;
  readonly group?: { readonly id: string };
  readonly priority?: number;
  readonly retryLimit?: number;
}

/** The policy of all queues; pg-boss lets nobody change it afterwards. */
export const QUEUE_POLICY = 'exclusive';

const SECONDS_OF_A_DAY = 86_400;

/**
 * A worker that dies loses its job after `heartbeatSeconds` (10 is the least that pg-boss takes); a job may be held for a
 * day, which is pg-boss's most. Retries are for lost workers and lost connections: a sync tries its tables again itself.
 */
export const QUEUE_OPTIONS = {
  heartbeatSeconds: 10,
  expireInSeconds: SECONDS_OF_A_DAY,
  deleteAfterSeconds: 2 * SECONDS_OF_A_DAY,
  retryLimit: 4,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 60,
} as const;
/** A part that is handed back counts as tried. */
const RETRIES_OF_A_PART = 50;

export function queueOf({ kind }: Pick<JobData, 'kind'>): QueueName {
  return kind === 'plan' || kind === 'maintain' ? kind : 'work';
}

/** How the job is sent: the same each time, so that one that is handed back is the same job. */
export function optionsOf(data: JobData): JobOptions {
  const group = { id: data.source };
  switch (data.kind) {
    case 'plan':
      return { singletonKey: data.source, group };
    case 'tables':
      return { singletonKey: `${data.source}/${data.tables[0] ?? ''}`, group };
    case 'begin':
    case 'finish':
      return { singletonKey: `${data.source}/${data.table}/${data.kind}`, group };
    case 'part': {
      const { table, load, number } = data.part;
      return {
        singletonKey: `${data.source}/${table}/${load}/${number}`,
        group,
        retryLimit: RETRIES_OF_A_PART,
      };
    }
    case 'maintain':
      return { singletonKey: 'maintain' };
  }
}

export function planData(source: string): PlanData {
  return { format: JOB_FORMAT, kind: 'plan', source };
}

export function maintainData(): MaintainData {
  return { format: JOB_FORMAT, kind: 'maintain', source: '' };
}

/** For people. */
export function describeJob(data: JobData): string {
  switch (data.kind) {
    case 'plan':
      return 'planning';
    case 'tables':
      return data.tables.length === 1 ? `${data.tables[0] ?? ''}` : counted(data.tables.length, 'table');
    case 'begin':
      return `${data.table}, cutting its first load`;
    case 'part':
      return `${data.part.table}, part ${data.part.number}`;
    case 'finish':
      return `${data.table}, finishing its first load`;
    case 'maintain':
      return 'maintenance';
  }
}
