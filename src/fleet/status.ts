/** How a fleet stands: read from the queue alone, so that it costs the sources and the lake nothing. */
import { describeJob, type JobData } from './jobs';
import type { FleetQueue } from './queue';
import { QUEUE_SCHEMA } from './queue-server';
import type { FleetSource } from './sources';

export interface SourceStatus {
  readonly name: string;
  /** null: on demand only. */
  readonly schedule: string | null;
  readonly destinationSchema: string | null;
  /** Jobs that wait, and that run. */
  readonly waiting: number;
  readonly running: number;
  /** ISO time at which the last round that succeeded whole began: the lake has all that was committed before. */
  readonly syncedAsOf: string | null;
  /** Seconds since then. */
  readonly lagSeconds: number | null;
  /** The outcome of the last round that was planned. */
  readonly lastRound: {
    readonly at: string;
    readonly tables: number;
    readonly unchanged: number;
    readonly rows: number;
    readonly state: 'running' | 'succeeded' | 'failed';
  } | null;
  /** Newest first. */
  readonly failures: readonly FailureStatus[];
  /** Workers that gave its jobs up, with their reasons. */
  readonly refusals: Readonly<Record<string, string>>;
}

export interface FailureStatus {
  readonly at: string;
  readonly what: string;
  readonly message: string;
  /** It is being tried again. */
  readonly retried: boolean;
}

export interface WorkerStatus {
  readonly name: string;
  readonly live: boolean;
  readonly startedAt: string;
  readonly seenAt: string;
}

export interface FleetStatus {
  readonly queue: string;
  readonly sources: readonly SourceStatus[];
  readonly waiting: number;
  readonly running: number;
  /** Sources with a failure that is not tried again. */
  readonly failed: number;
  readonly workers: readonly WorkerStatus[];
  readonly lastMaintenance: { readonly at: string; readonly summary: string } | null;
}

interface JobRow {
  readonly source: string;
  readonly waiting: string;
  readonly running: string;
}

interface RoundRow {
  readonly source: string;
  readonly started_on: Date;
  readonly output: { readonly tables?: number; readonly unchanged?: number; readonly failures?: object } | null;
  readonly open: string;
  readonly failed: string;
  readonly rows: string | null;
}

interface FailureRow {
  readonly source: string;
  readonly at: Date;
  readonly data: JobData;
  readonly output: { readonly message?: string; readonly value?: { readonly message?: string } } | null;
  readonly state: string;
}

const MOST_FAILURES = 5;

const JOBS = `
  SELECT group_id AS source, count(*) FILTER (WHERE state < 'active') AS waiting, count(*) FILTER (WHERE state = 'active') AS running
  FROM ${QUEUE_SCHEMA}.job WHERE group_id IS NOT NULL AND state <= 'active' GROUP BY 1`;

/** Rounds of the last two days (`deleteAfterSeconds` of jobs); the jobs of a round carry its id. */
const ROUNDS = `
  SELECT p.group_id AS source, p.started_on, p.output,
    count(w.id) FILTER (WHERE w.state <= 'active') AS open,
    count(w.id) FILTER (WHERE w.state IN ('failed', 'cancelled')) AS failed,
    sum((w.output ->> 'rows')::bigint) AS rows
  FROM ${QUEUE_SCHEMA}.job p LEFT JOIN ${QUEUE_SCHEMA}.job w ON w.name = 'work' AND w.data ->> 'round' = p.id::text
  WHERE p.name = 'plan' AND p.state = 'completed' AND p.output ? 'tables'
  GROUP BY p.id, p.group_id, p.started_on, p.output ORDER BY p.started_on DESC`;

const FAILURES = `
  SELECT group_id AS source, coalesce(completed_on, started_on, created_on) AS at, data, output, state::text
  FROM ${QUEUE_SCHEMA}.job
  WHERE state = 'failed' OR (state = 'retry' AND output IS NOT NULL) ORDER BY 2 DESC LIMIT 10000`;

const REFUSALS = `
  SELECT group_id AS source, data -> 'refusals' AS refusals FROM ${QUEUE_SCHEMA}.job
  WHERE state <= 'active' AND data ? 'refusals'`;

const MAINTENANCE = `
  SELECT completed_on AS at, output ->> 'summary' AS summary FROM ${QUEUE_SCHEMA}.job
  WHERE name = 'maintain' AND state = 'completed' ORDER BY completed_on DESC LIMIT 1`;

export async function fleetStatus(
  queue: FleetQueue,
  place: string,
  sources: readonly FleetSource[],
  now: Date,
): Promise<FleetStatus> {
  const jobs = new Map((await queue.rows<JobRow>(JOBS)).map((row) => [row.source, row]));
  const rounds = groupedBy(await queue.rows<RoundRow>(ROUNDS));
  const failures = groupedBy(await queue.rows<FailureRow>(FAILURES));
  const refusals = groupedBy(await queue.rows<{ source: string; refusals: Record<string, string> }>(REFUSALS));
  const schedules = await queue.schedules();
  const instances = await queue.instances();
  const [maintenance] = await queue.rows<{ at: Date; summary: string | null }>(MAINTENANCE);
  const known = new Map(sources.map((source) => [source.name, source]));
  const names = [...new Set([...known.keys(), ...schedules.keys(), ...jobs.keys()])].sort();
  const described = names.map((name): SourceStatus => {
    const job = jobs.get(name);
    const ofSource = rounds.get(name) ?? [];
    const whole = ofSource.find((round) => stateOf(round) === 'succeeded');
    const asOf = whole?.started_on ?? null;
    return {
      name,
      schedule: schedules.get(name) ?? known.get(name)?.schedule ?? null,
      destinationSchema: known.get(name)?.settings.destinationSchema ?? null,
      waiting: Number(job?.waiting ?? 0),
      running: Number(job?.running ?? 0),
      syncedAsOf: asOf?.toISOString() ?? null,
      lagSeconds: asOf === null ? null : Math.max(0, (now.getTime() - asOf.getTime()) / 1000),
      lastRound: roundOf(ofSource[0]),
      // What failed before a round succeeded whole is mended.
      failures: (failures.get(name) ?? [])
        .filter(({ at }) => asOf === null || at > asOf)
        .slice(0, MOST_FAILURES)
        .map(failureOf),
      refusals: Object.assign({}, ...(refusals.get(name) ?? []).map((row) => row.refusals)) as Record<string, string>,
    };
  });
  const sum = (of: (source: SourceStatus) => number): number => described.reduce((total, each) => total + of(each), 0);
  return {
    queue: place,
    sources: described,
    waiting: sum(({ waiting }) => waiting),
    running: sum(({ running }) => running),
    failed: described.filter(({ failures: ofSource }) => ofSource.some(({ retried }) => !retried)).length,
    workers: instances.map(({ name, live, startedOn, heartbeatOn }) => ({
      name: name ?? 'unknown',
      live,
      startedAt: startedOn.toISOString(),
      seenAt: heartbeatOn.toISOString(),
    })),
    lastMaintenance:
      maintenance === undefined ? null : { at: maintenance.at.toISOString(), summary: maintenance.summary ?? '' },
  };
}

function groupedBy<T extends { readonly source: string }>(rows: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.source);
    if (group === undefined) groups.set(row.source, [row]);
    else group.push(row);
  }
  return groups;
}

function stateOf({ open, failed, output }: RoundRow): 'running' | 'succeeded' | 'failed' {
  if (Number(open) > 0) return 'running';
  return Number(failed) > 0 || output?.failures !== undefined ? 'failed' : 'succeeded';
}

function roundOf(round: RoundRow | undefined): SourceStatus['lastRound'] {
  if (round === undefined) return null;
  return {
    at: round.started_on.toISOString(),
    tables: round.output?.tables ?? 0,
    unchanged: round.output?.unchanged ?? 0,
    rows: Number(round.rows ?? 0),
    state: stateOf(round),
  };
}

function failureOf({ at, data, output, state }: FailureRow): FailureStatus {
  return {
    at: at.toISOString(),
    what: describeJob(data),
    message: output?.message ?? output?.value?.message ?? 'no reason was kept',
    retried: state === 'retry',
  };
}
