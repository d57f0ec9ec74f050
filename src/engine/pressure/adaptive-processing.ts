import type { LogFields } from '../../common/logger';
import { keepsRows } from '../../destinations/place';
import type { DestinationName } from '../../model/destination-name';
import type { TableCategory } from '../../model/plan';
import type { Pressure } from '../../model/resources';
import { batchGrowth } from './distance';

/** How a table is processed when nothing is scarce; its category decides. */
export interface TableParameters {
  readonly category: TableCategory;
  readonly batchRows: number;
  /** Connections that read the table at once. */
  readonly threads: number;
  /** Rows that may wait between reading and writing. */
  readonly queueRows: number;
  readonly partitionRows: number;
  readonly checkpointRows: number;
}

/** The configuration's options: custom_* replace what the category and the mode say. */
export interface ParameterOptions {
  readonly batchMode: 'adaptive' | 'fixed';
  readonly customBatchSize?: number | undefined;
  readonly customThreads?: number | undefined;
  readonly customQueueSize?: number | undefined;
  /** One that keeps no rows compresses nothing: the Fivetran service has such a one as well. */
  readonly destination?: DestinationName;
  /** To the server, as far as it is known. */
  readonly roundTripMs?: number;
}

const MEDIUM_FROM_ROWS = 1_000_000;
const LARGE_ABOVE_ROWS = 50_000_000;

// The larger the table, the longer it runs beside the source's other users: fewer readers, smaller bites,
// and less work lost when it is interrupted. These are the values of batch_mode fixed.
const BY_CATEGORY: Readonly<Record<TableCategory, Omit<TableParameters, 'category'>>> = {
  small: { batchRows: 5_000, threads: 4, queueRows: 10_000, partitionRows: 50_000, checkpointRows: 1_000_000 },
  medium: { batchRows: 2_500, threads: 2, queueRows: 5_000, partitionRows: 25_000, checkpointRows: 500_000 },
  large: { batchRows: 1_000, threads: 1, queueRows: 1_000, partitionRows: 5_000, checkpointRows: 100_000 },
};

/**
 * Sizes of batch_mode adaptive where memory allows. A batch of 5,000 rows is still one short statement, because
 * batch_bytes bounds it as well, and so does the number of its values. A value takes the server half a microsecond: with
 * 200 columns, batch_bytes let 1,100 rows through, which took up to 0.19 s. While DuckDB compresses a row group,
 * readers go on if the queue has room. With 60,000 rows instead of 40,000 a sync took as long and up to 12 MB more. A
 * service that is shut down sends the waiting rows before its last checkpoint, and with 60,000 a busy machine did not
 * get that far.
 */
const ADAPTIVE = { batchRows: 5_000, batchValues: 150_000, queueRows: 40_000, queueRowsUncompressed: 30_000 };

/** 0.12 s of the server. */
const MOST_MORE_VALUES = 1.5;
/** One that held a batch and a half would be read in as many round trips as one of two. */
const BATCHES_OF_FAR_PARTITION = 2;

/** Small: fewer than 1,000,000 rows; large: more than 50,000,000. */
export function categorize(rows: number): TableCategory {
  if (rows < MEDIUM_FROM_ROWS) return 'small';
  return rows <= LARGE_ABOVE_ROWS ? 'medium' : 'large';
}

/** Parameters for a table of so many rows and columns. */
export function parametersFor(rows: number, columns: number, options: ParameterOptions): TableParameters {
  const category = categorize(rows);
  const base = BY_CATEGORY[category];
  const isAdaptive = options.batchMode === 'adaptive';
  const growth = isAdaptive ? batchGrowth(options.roundTripMs ?? 0) : 1;
  const affordable = Math.floor((ADAPTIVE.batchValues * Math.min(growth, MOST_MORE_VALUES)) / Math.max(columns, 1));
  const adaptiveRows = Math.min(Math.floor(ADAPTIVE.batchRows * growth), affordable);
  const batchRows = options.customBatchSize ?? (isAdaptive ? adaptiveRows : base.batchRows);
  const { destination } = options;
  const compresses = destination === undefined || keepsRows({ destination });
  const roomy = compresses ? ADAPTIVE.queueRows : ADAPTIVE.queueRowsUncompressed;
  const queueRows = isAdaptive ? Math.max(base.queueRows, roomy) : base.queueRows;
  return {
    category,
    batchRows,
    threads: options.customThreads ?? base.threads,
    // A queue or partition smaller than one batch would cap a larger custom_batch_size unseen.
    queueRows: Math.max(options.customQueueSize ?? queueRows, batchRows),
    partitionRows: Math.max(base.partitionRows, growth > 1 ? BATCHES_OF_FAR_PARTITION * batchRows : batchRows),
    checkpointRows: base.checkpointRows,
  };
}

/** Never cut below this: smaller batches cost more per row than they save memory. */
const MIN_BATCH_ROWS = 100;
/** A burst of batches sees the same pressure several times; what was cut needs about this long to show. */
const CUT_INTERVAL_MS = 1_000;
/** Calm must last this long before each step back up. */
const RAISE_INTERVAL_MS = 2_000;
/** A step up that brought the pressure back doubles the wait, up to this. */
const MAX_RAISE_INTERVAL_MS = 60_000;
const RAISE_FACTOR = 1.25;
/** Points below the first threshold before anything climbs: at the threshold itself it would swing. */
const CALM_MARGIN = 5;
/** Tasks stalled for memory a fifth of the time: the kernel is reclaiming hard, whatever the percentage. */
const HIGH_STALL_PERCENT = 20;

export interface AdaptiveBase {
  readonly batchRows: number;
  readonly threads: number;
}

export interface AdaptiveNotice {
  readonly level: 'warning' | 'info';
  readonly message: string;
  /** The new batch size or number of readers, for a log that machines read. */
  readonly fields: LogFields;
}

type Severity = 'calm' | 'steady' | 'high' | 'critical';
const RANK: Readonly<Record<Severity, number>> = { calm: 0, steady: 1, high: 2, critical: 3 };

/**
 * Batch size and readers under pressure.
 *
 * Each resource goes its own way between its base and its least value. CPU that we use ourselves is no pressure where
 * others hardly use any. Pressure cuts at the first sample that shows it (memory: batch x 0.75, critical / 2; CPU:
 * readers / 2, critical: one), then again once a second for as long as it lasts; within that second only a worse level
 * cuts again. Between the threshold and 5 points below it nothing changes. After 2 s of calm the way back begins, one
 * step (batch x 1.25, one reader) for every further 2 s. Where a step up brings the pressure back within one such wait, the wait
 * doubles, up to a minute. So a host that cannot bear the base does not swing about it.
 */
export class AdaptiveController {
  private batchFactor = 1;
  private readerLimit = Infinity;
  private mostThreads: number;
  private readonly memoryPace = new Pace();
  private readonly cpuPace = new Pace();

  /** `base` is used in the notices, and is cut where no other base is given. */
  constructor(private base: AdaptiveBase) {
    this.mostThreads = base.threads;
  }

  /** Called when the table at the head of the queue has other parameters; cuts stay in force. */
  setBase(base: AdaptiveBase): void {
    this.base = base;
    this.mostThreads = Math.max(this.mostThreads, base.threads);
  }

  /** `nowMs` comes from any clock that only goes forward. */
  update(pressure: Pressure, nowMs: number): readonly AdaptiveNotice[] {
    const notices: AdaptiveNotice[] = [];
    this.updateBatch(memorySeverity(pressure), nowMs, notices);
    this.updateReaders(pressure, nowMs, notices);
    return notices;
  }

  batchRows(base: number = this.base.batchRows): number {
    return Math.max(Math.min(MIN_BATCH_ROWS, base), Math.floor(base * this.batchFactor));
  }

  /** The share of batches and queue that memory pressure leaves, above 0 and up to 1. */
  get memoryShare(): number {
    return this.batchFactor;
  }

  readers(base: number = this.base.threads): number {
    return Math.max(1, Math.min(base, this.readerLimit));
  }

  private updateBatch(severity: Severity, nowMs: number, notices: AdaptiveNotice[]): void {
    const before = this.batchRows();
    const least = Math.min(1, MIN_BATCH_ROWS / this.base.batchRows);
    const step = this.memoryPace.step(severity, nowMs, this.batchFactor > least, this.batchFactor < 1);
    if (step === 'cut') this.batchFactor = Math.max(least, this.batchFactor * (severity === 'critical' ? 0.5 : 0.75));
    // It starts from `least`, because this base may have a higher floor than the table that was read at the cut.
    if (step === 'raise') this.batchFactor = Math.min(1, Math.max(least, this.batchFactor) * RAISE_FACTOR);
    const change = `batch size from ${before} to ${this.batchRows()} records`;
    if (this.batchRows() !== before)
      notices.push({ ...notice('MEMORY', severity, step, change), fields: { batchRows: this.batchRows() } });
  }

  private updateReaders(pressure: Pressure, nowMs: number, notices: AdaptiveNotice[]): void {
    const severity = cpuSeverity(pressure);
    const before = this.readers();
    const step = this.cpuPace.step(severity, nowMs, before > 1, this.readerLimit < this.mostThreads);
    if (step === 'cut') this.readerLimit = severity === 'critical' ? 1 : Math.max(1, Math.floor(before / 2));
    if (step === 'raise') this.readerLimit += 1;
    const change = `threads from ${before} to ${this.readers()}${step === 'cut' ? whoseCpu(pressure) : ''}`;
    if (this.readers() !== before)
      notices.push({ ...notice('CPU', severity, step, change), fields: { threads: this.readers() } });
  }
}

type Step = 'cut' | 'raise' | 'hold';

/** Decides when one resource may step down or up; see AdaptiveController. */
class Pace {
  private cutAtMs = -Infinity;
  private cutSeverity: Severity = 'calm';
  private raisedAtMs = -Infinity;
  private calmSinceMs: number | undefined;
  private raiseIntervalMs = RAISE_INTERVAL_MS;

  step(severity: Severity, nowMs: number, canCut: boolean, canRaise: boolean): Step {
    if (severity === 'calm') {
      this.calmSinceMs ??= nowMs;
      const waitedSinceMs = Math.max(this.calmSinceMs, this.raisedAtMs);
      if (!canRaise || nowMs - waitedSinceMs < this.raiseIntervalMs) return 'hold';
      this.raisedAtMs = nowMs;
      return 'raise';
    }
    this.calmSinceMs = undefined;
    if (severity === 'steady' || !canCut) return 'hold';
    const worse = RANK[severity] > RANK[this.cutSeverity];
    if (nowMs - this.cutAtMs < CUT_INTERVAL_MS && !worse) return 'hold';
    // Only the first cut after a raise shows that the raise was too much.
    if (this.raisedAtMs > this.cutAtMs) {
      const relapse = nowMs - this.raisedAtMs <= this.raiseIntervalMs;
      this.raiseIntervalMs = relapse ? Math.min(this.raiseIntervalMs * 2, MAX_RAISE_INTERVAL_MS) : RAISE_INTERVAL_MS;
    }
    this.cutAtMs = nowMs;
    this.cutSeverity = severity;
    return 'cut';
  }
}

function memorySeverity(pressure: Pressure): Severity {
  const severity = severityOf(pressure.memoryPercent, 80, 90);
  const stalled = (pressure.memoryStallPercent ?? 0) > HIGH_STALL_PERCENT;
  return stalled && severity !== 'critical' ? 'high' : severity;
}

/**
 * Where all others together use less than this, they have what they want: the kernel would give a process that waits at
 * least the share of one of our threads. Fewer readers would then help nobody.
 */
const LITTLE_CPU_PERCENT = 15;

function cpuSeverity(pressure: Pressure): Severity {
  return (othersCpuPercent(pressure) ?? 100) < LITTLE_CPU_PERCENT ? 'calm' : severityOf(pressure.cpuPercent, 85, 95);
}

/** What neither this process nor the server uses for it; undefined where that is not known. */
function othersCpuPercent({ cpuPercent, ownCpuPercent, serverCpuPercent = 0 }: Pressure): number | undefined {
  return ownCpuPercent === undefined ? undefined : cpuPercent - ownCpuPercent - serverCpuPercent;
}

/** NaN, an unknown percentage, counts as calm: it must neither cut nor hold a cut for ever. */
function severityOf(percent: number, high: number, critical: number): Severity {
  if (percent > critical) return 'critical';
  if (percent > high) return 'high';
  return percent > high - CALM_MARGIN ? 'steady' : 'calm';
}

/** Whom to ask depends on who uses the CPU. */
function whoseCpu({ cpuPercent, ownCpuPercent, serverCpuPercent }: Pressure): string {
  if (ownCpuPercent === undefined) return '';
  const all = Math.round(cpuPercent);
  const own = Math.min(Math.round(ownCpuPercent), all);
  const server = Math.min(Math.round(serverCpuPercent ?? 0), all - own);
  const reading = serverCpuPercent === undefined ? '' : `, the server for it ${server}%`;
  return ` (CPU ${all}%: this process ${own}%${reading}, others ${all - own - server}%)`;
}

function notice(
  resource: 'MEMORY' | 'CPU',
  severity: Severity,
  step: Step,
  change: string,
): Omit<AdaptiveNotice, 'fields'> {
  if (step === 'raise') return { level: 'info', message: `${resource} pressure eased: Raising ${change}` };
  return { level: 'warning', message: `${severity.toUpperCase()} ${resource} PRESSURE: Reducing ${change}` };
}
