/** What each kind of job does: it calls a use case of app, and says what became of it. */
import { findWork, type SourceWork, type TableWork } from '../app/find-work';
import { runMaintenance } from '../app/maintain';
import { beginParts, finishParts, loadPart, type Part, type PartsContext } from '../app/parts';
import type { RunContext } from '../app/run-context';
import { runSync } from '../app/sync-run';
import { counted } from '../common/counted';
import { asConnectorError, ConnectorError, errorFields } from '../common/errors';
import type { Logger } from '../common/logger';
import { createRedactor } from '../common/redact';
import type { LoadedSettings } from '../config/load-settings';
import type { Settings } from '../config/settings';
import type { SourceSelection } from '../model/source-selection';
import type { SyncReport } from '../model/report';
import type { PressureSource } from '../engine/pressure';
import { JOB_FORMAT, type BeginData, type FinishData, type JobData, type PartData, type TablesData } from './jobs';
import type { FleetQueue } from './queue';
import { loggerOf } from './source-logger';
import type { FleetSource } from './sources';

export interface JobContext {
  readonly queue: Pick<FleetQueue, 'unfinished'>;
  /** Sends the jobs that follow from this one; rejects where it is not this worker's any more. */
  readonly send: (jobs: readonly JobData[]) => Promise<void>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Connections to the source that the job may have. */
  readonly connections: number;
  readonly pressure: PressureSource;
}

/** Kept with the job, for `fleet status`. */
export interface JobOutcome {
  readonly summary: string;
  readonly rows?: number;
  readonly tables?: number;
  readonly unchanged?: number;
  /** An earlier round has not ended, so nothing was planned. */
  readonly skipped?: true;
  /** By table. */
  readonly failures?: Readonly<Record<string, string>>;
}

/** The job is tried again, up to its limit. The message holds no secret, since the queue keeps it. */
export class JobFailed extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly failures?: Readonly<Record<string, string>>,
  ) {
    super(message);
  }
}

/** This worker cannot do the job; another one may. */
export class CannotDo extends Error {}

/** Pages of 8 kB; smaller tables share a job, up to so many pages and tables. */
const SMALL_TABLE_BLOCKS = 1_024;
const GROUP_BLOCKS = 8_192;
const GROUP_TABLES = 50;
const BLOCK_BYTES = 8_192;
const MEGABYTE = 1_048_576;

/** Codes of what is wrong with this host, not with the source. */
const OF_THIS_HOST: ReadonlySet<string> = new Set(['driver_missing', 'driver_not_loadable', 'odbc_not_loadable']);

/** `source` is undefined where this worker has no file of that name. */
export async function doJob(
  id: string,
  data: JobData,
  source: FleetSource | undefined,
  context: JobContext,
): Promise<JobOutcome> {
  if (data.format !== JOB_FORMAT)
    throw new CannotDo(`the job is of format ${data.format}, and this pgsluice knows ${JOB_FORMAT}`);
  if (source === undefined) throw new CannotDo('it has no configuration file of that source');
  const loaded = load(source);
  const run = runContext(source, loaded, context);
  const settings = { ...loaded.settings, customThreads: context.connections };
  try {
    const parts: PartsContext = { settings, run, partBytes: settings.fleet.partMegabytes * MEGABYTE };
    switch (data.kind) {
      case 'plan':
        return await plan(id, source.name, settings, { run, ...context });
      case 'tables':
        return await syncTables(parts, data.tables);
      case 'begin':
        return await begin(parts, data, context.send);
      case 'part':
        return { summary: await loadPart(parts, data.part) };
      case 'finish':
        return await finish(parts, data, context.send);
      case 'maintain':
        throw new CannotDo('it is of no source');
    }
  } catch (error) {
    throw failureOf(error, createRedactor(loaded.secrets));
  }
}

function failureOf(error: unknown, redact: (text: string) => string): CannotDo | JobFailed {
  if (error instanceof CannotDo) return error;
  if (error instanceof TablesFailed) {
    const failures = Object.entries(error.failures).map(([table, reason]) => [table, redact(reason)] as const);
    return new JobFailed(redact(error.message), 'tables_failed', Object.fromEntries(failures));
  }
  const failure = asConnectorError(error);
  if (OF_THIS_HOST.has(failure.code)) return new CannotDo(redact(failure.message));
  return new JobFailed(redact(failure.describe()), failure.code);
}

/** Maintains the schemas of all sources, one after the other. */
export async function maintainAll(
  sources: readonly FleetSource[],
  signal: AbortSignal,
  logger: Logger,
): Promise<JobOutcome> {
  try {
    return await maintainEach(sources, signal, logger);
  } catch (error) {
    // What stands in a connection string is masked by its place.
    throw failureOf(error, createRedactor([]));
  }
}

async function maintainEach(sources: readonly FleetSource[], signal: AbortSignal, logger: Logger): Promise<JobOutcome> {
  let rewritten = 0;
  let deleted = 0;
  let damaged = 0;
  for (const { name, settings } of sources) {
    const report = await runMaintenance(settings, signal);
    rewritten += report?.rewritten.length ?? 0;
    deleted += (report?.deleted.files ?? 0) + (report?.orphaned.files ?? 0);
    for (const { table, error } of report?.damaged ?? []) {
      damaged += 1;
      logger.severe(`[${name}] ${table} was not maintained: ${error.describe()}`, errorFields(error));
    }
    if (report !== undefined && report.rewritten.length > 0)
      logger.info(`[${name}] Rewrote the files of ${counted(report.rewritten.length, 'table')}`);
  }
  const lacking = damaged === 0 ? '' : `, ${counted(damaged, 'table')} not maintained for want of a file`;
  return { summary: `rewrote ${counted(rewritten, 'table')}, deleted ${counted(deleted, 'file')}${lacking}` };
}

function load(source: FleetSource): LoadedSettings {
  try {
    return source.load();
  } catch (error) {
    if (error instanceof ConnectorError && error.kind === 'configuration') throw new CannotDo(error.message);
    throw error;
  }
}

function runContext(source: FleetSource, { secrets }: LoadedSettings, context: JobContext): RunContext {
  return {
    logger: loggerOf(source.name, secrets, context.logger),
    signal: context.signal,
    observer: {},
    pressure: context.pressure,
    maxConnections: context.connections,
    amongOthers: true,
  };
}

function only(tables: readonly string[]): SourceSelection {
  const wanted = new Set(tables);
  return { includesTable: ({ schema, name }) => wanted.has(`${schema}.${name}`), includesColumn: () => true };
}

async function plan(
  round: string,
  source: string,
  settings: Settings,
  { run, queue, send }: { readonly run: RunContext } & Pick<JobContext, 'queue' | 'send'>,
): Promise<JobOutcome> {
  const unfinished = await queue.unfinished(source);
  if (unfinished > 0)
    return { summary: `${counted(unfinished, 'job')} of an earlier round still to do`, skipped: true };
  const work = await findWork(settings, run);
  const jobs = jobsFor(work, { round, source, partMegabytes: settings.fleet.partMegabytes });
  await send(jobs);
  const failures = [...work.leftOut].map(([key, error]) => [key, error.describe()] as const);
  return {
    summary: `${counted(work.tables.length, 'table')} to read in ${counted(jobs.length, 'job')}, ${work.unchanged} unchanged`,
    tables: work.tables.length,
    unchanged: work.unchanged,
    ...(failures.length === 0 ? {} : { failures: Object.fromEntries(failures) }),
  };
}

/** The largest first, so that none of them is begun last. */
export function jobsFor(
  { tables, followsLog }: Pick<SourceWork, 'tables' | 'followsLog'>,
  { round, source, partMegabytes }: { readonly round: string; readonly source: string; readonly partMegabytes: number },
): readonly JobData[] {
  const inParts = ({ firstLoad, blocks }: TableWork): boolean =>
    firstLoad && blocks * BLOCK_BYTES >= 2 * partMegabytes * MEGABYTE;
  const job = (of: readonly TableWork[]): TablesData => {
    return { format: JOB_FORMAT, kind: 'tables', source, round, tables: of.map(({ key }) => key) };
  };
  // One session reads the log for all tables that follow it.
  if (followsLog) return tables.length === 0 ? [] : [job(tables)];
  const bySize = [...tables].sort((one, other) => other.blocks - one.blocks);
  const large = bySize.filter(({ blocks }) => blocks > SMALL_TABLE_BLOCKS);
  const groups: TableWork[][] = [];
  let blocks = Infinity;
  for (const table of bySize.slice(large.length).filter((each) => !inParts(each))) {
    const last = groups.at(-1);
    if (last === undefined || last.length >= GROUP_TABLES || blocks + table.blocks > GROUP_BLOCKS) {
      groups.push([table]);
      blocks = table.blocks;
    } else {
      last.push(table);
      blocks += table.blocks;
    }
  }
  const single = [...large, ...bySize.slice(large.length).filter(inParts)];
  return [
    ...single.map((table) =>
      inParts(table) ? { format: JOB_FORMAT, kind: 'begin' as const, source, round, table: table.key } : job([table]),
    ),
    ...groups.map(job),
  ];
}

async function syncTables({ settings, run }: PartsContext, tables: readonly string[]): Promise<JobOutcome> {
  return outcomeOf(await runSync(settings, { ...run, selection: only(tables) }));
}

/** Cuts a first load, or loads the table here where it cannot be cut. */
async function begin(parts: PartsContext, data: BeginData, send: JobContext['send']): Promise<JobOutcome> {
  const { table, source, round } = data;
  const begun = await beginParts(parts, table);
  if (!begun.cut) return await syncTables(parts, [table]);
  const finishing: FinishData = { format: JOB_FORMAT, kind: 'finish', source, round, table };
  await send(begun.parts.length === 0 ? [finishing] : begun.parts.map((part) => partData(data, part)));
  return { summary: `${counted(begun.parts.length, 'part')} to load` };
}

/** Ends a first load, or sends again what it lacks. */
async function finish(parts: PartsContext, data: FinishData, send: JobContext['send']): Promise<JobOutcome> {
  const { table, source, round } = data;
  const finished = await finishParts(parts, table);
  switch (finished.outcome) {
    case 'finished':
      return outcomeOf(finished.report);
    case 'parts missing':
      await send(finished.parts.map((part) => partData(data, part)));
      return { summary: `${counted(finished.parts.length, 'part')} missing` };
    case 'superseded':
      await send([{ format: JOB_FORMAT, kind: 'begin', source, round, table }]);
      return { summary: 'the load was given up, and begins anew' };
  }
}

function partData({ source, round }: BeginData | FinishData, part: Part): PartData {
  return { format: JOB_FORMAT, kind: 'part', source, round, part };
}

function outcomeOf(report: SyncReport): JobOutcome {
  const failures = report.tables.flatMap(({ key, error }) => (error === undefined ? [] : [[key, error] as const]));
  const found = report.tables.length;
  const [first] = failures;
  if (first !== undefined)
    throw new TablesFailed(
      `${counted(failures.length, 'table')} of ${found} failed; ${first[0]}: ${first[1].describe()}`,
      Object.fromEntries(failures.map(([table, reason]) => [table, reason.describe()])),
    );
  return {
    summary: `${counted(report.rows, 'row')} of ${counted(found, 'table')}`,
    rows: report.rows,
    tables: found,
  };
}

/** The sync went to its end, but for these tables. */
class TablesFailed extends Error {
  constructor(
    message: string,
    readonly failures: Readonly<Record<string, string>>,
  ) {
    super(message);
  }
}
