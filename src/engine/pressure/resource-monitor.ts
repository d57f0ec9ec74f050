import type { Pressure, ProcessSample } from '../../model/resources';
import type { LogFields } from '../../common/logger';
import type { ProcessStats } from '../../native/process-stats';

export interface PressureSource {
  read(): Pressure;
}

/** CPU seconds so far, by process id, of the server's processes that work for this one, where they are on this host. */
export type BackendSeconds = () => ReadonlyMap<number, number>;

const NO_BACKENDS: ReadonlyMap<number, number> = new Map();
/** Shorter windows are noise: the kernel counts CPU time in ticks of 10 ms. */
const DEFAULT_CPU_WINDOW_MS = 200;
/** The first figure may be rough; before it there is none at all. */
const FIRST_CPU_WINDOW_MS = 100;
/**
 * The window for decisions of a sync. A sync beside its server keeps a small machine's cores busy for the seconds it
 * lasts. Only longer pressure affects others, and is worth giving up speed for.
 */
export const SYNC_CPU_WINDOW_MS = 5_000;
const GIGABYTE = 1024 ** 3;

/**
 * Turns samples into pressure. It never waits: CPU use is the difference of two samples at least one window apart, and
 * readings within a window repeat the last window's figure.
 */
export class ResourceMonitor implements PressureSource {
  private windowStart: ProcessSample;
  private last: ProcessSample;
  private cpuPercent = NaN;
  private ownCpuPercent = NaN;
  private serverCpuPercent = NaN;
  private backendSeconds: ReadonlyMap<number, number>;
  private readonly first: ProcessSample;

  /** Until the first window has passed, no decision uses the CPU's use; the display shows its use so far. */
  constructor(
    private readonly stats: ProcessStats,
    private readonly cpuWindowMs = DEFAULT_CPU_WINDOW_MS,
    private readonly firstCpuWindowMs = Math.min(FIRST_CPU_WINDOW_MS, cpuWindowMs),
    private readonly backends: BackendSeconds = () => NO_BACKENDS,
  ) {
    this.first = this.windowStart = this.last = stats.sample();
    this.backendSeconds = backends();
  }

  read(): Pressure {
    const sample = this.stats.sample();
    this.last = sample;
    const elapsedMs = sample.cpuAtMs - this.windowStart.cpuAtMs;
    const windowMs = Number.isNaN(this.cpuPercent) ? this.firstCpuWindowMs : this.cpuWindowMs;
    if (elapsedMs > 0 && elapsedMs >= windowMs) {
      this.cpuPercent = cpuPercentBetween(this.windowStart, sample);
      const own = ownSeconds(sample) - ownSeconds(this.windowStart);
      this.ownCpuPercent = Math.min(shareBetween(this.windowStart, sample, own), this.cpuPercent);
      const seconds = this.backends();
      const server = shareBetween(this.windowStart, sample, secondsBetween(this.backendSeconds, seconds));
      this.serverCpuPercent = seconds.size === 0 ? NaN : Math.min(server, this.cpuPercent - this.ownCpuPercent);
      this.backendSeconds = seconds;
      this.windowStart = sample;
    }
    const { totalBytes, usedBytes } = memory(sample);
    const stall = sample.psiMemorySomePercent;
    const soFar = Number.isNaN(this.cpuPercent) ? cpuPercentBetween(this.first, sample) : NaN;
    return {
      memoryPercent: percent(usedBytes, totalBytes),
      memoryAvailableBytes: Math.max(totalBytes - usedBytes, 0),
      cpuPercent: this.cpuPercent,
      diskPercent: percent(sample.diskUsedBytes, sample.diskTotalBytes),
      ...(Number.isNaN(this.ownCpuPercent) ? {} : { ownCpuPercent: this.ownCpuPercent }),
      ...(Number.isNaN(this.serverCpuPercent) ? {} : { serverCpuPercent: this.serverCpuPercent }),
      ...(Number.isNaN(stall) ? {} : { memoryStallPercent: stall }),
      ...(Number.isNaN(soFar) ? {} : { cpuPercentSoFar: soFar }),
    };
  }

  /** The sample behind the last reading. */
  get sample(): ProcessSample {
    return this.last;
  }

  get rssBytes(): number {
    return this.last.rssBytes;
  }

  get peakRssBytes(): number {
    return this.last.peakRssBytes;
  }
}

/** The status line that operators search their logs for; `n/a` stands for unknown figures. */
export function describePressure(pressure: Pressure): string {
  const available = oneDecimal(pressure.memoryAvailableBytes / GIGABYTE, 'GB');
  return (
    `Resource Monitor: Memory ${oneDecimal(pressure.memoryPercent, '%')} (${available} available), ` +
    `CPU ${oneDecimal(pressure.cpuPercentSoFar ?? pressure.cpuPercent, '%')}, Disk ${oneDecimal(pressure.diskPercent, '%')}`
  );
}

/** The same for a log that machines read: percent of 0 to 100, and bytes; null where it is not known. */
export function pressureFields(pressure: Pressure): LogFields {
  const known = (value: number): number | null => (Number.isFinite(value) ? Math.round(value * 10) / 10 : null);
  return {
    memoryPercent: known(pressure.memoryPercent),
    memoryAvailableBytes: known(pressure.memoryAvailableBytes),
    cpuPercent: known(pressure.cpuPercentSoFar ?? pressure.cpuPercent),
    diskPercent: known(pressure.diskPercent),
  };
}

/** The memory that the process may really use: the cgroup's limit where one is set, else the host's memory. */
function memory(sample: ProcessSample): { readonly totalBytes: number; readonly usedBytes: number } {
  if (!Number.isNaN(sample.cgroupMemoryLimitBytes) && !Number.isNaN(sample.cgroupMemoryUsedBytes)) {
    return { totalBytes: sample.cgroupMemoryLimitBytes, usedBytes: sample.cgroupMemoryUsedBytes };
  }
  const totalBytes = sample.hostMemoryTotalBytes;
  return { totalBytes, usedBytes: totalBytes - sample.hostMemoryAvailableBytes };
}

/** CPU use relative to the quota where one is set, else to all cores that the process may run on. */
function cpuPercentBetween(from: ProcessSample, to: ProcessSample): number {
  const quotaCores = to.cgroupCpuQuotaCores;
  const usedSeconds = to.cgroupCpuUsedSeconds - from.cgroupCpuUsedSeconds;
  if (!Number.isNaN(quotaCores) && !Number.isNaN(usedSeconds)) {
    return percent(usedSeconds, (quotaCores * (to.cpuAtMs - from.cpuAtMs)) / 1000);
  }
  return percent(to.hostCpuBusySeconds - from.hostCpuBusySeconds, to.hostCpuTotalSeconds - from.hostCpuTotalSeconds);
}

function ownSeconds({ userCpuSeconds, systemCpuSeconds }: ProcessSample): number {
  return userCpuSeconds + systemCpuSeconds;
}

/** A connection that was opened in between has worked for us alone; what one did that was closed is not known. */
function secondsBetween(from: ReadonlyMap<number, number>, to: ReadonlyMap<number, number>): number {
  return [...to].reduce((sum, [pid, seconds]) => sum + Math.max(seconds - (from.get(pid) ?? 0), 0), 0);
}

/** The share of the same whole that so many seconds of CPU time are. */
function shareBetween(from: ProcessSample, to: ProcessSample, cpuSeconds: number): number {
  // The process's sums are of another moment than the others: what counts is its share of the time between them.
  const elapsedMs = to.atMs - from.atMs;
  const share = elapsedMs > 0 ? (cpuSeconds * 1000) / elapsedMs : NaN;
  const quotaCores = to.cgroupCpuQuotaCores;
  const cores = Number.isNaN(quotaCores)
    ? ((to.hostCpuTotalSeconds - from.hostCpuTotalSeconds) * 1000) / (to.cpuAtMs - from.cpuAtMs)
    : quotaCores;
  return percent(share, cores);
}

/** Clipped to 0..100: a quota may be overrun for a moment, and the kernel's sums may step back a tick. */
function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(Math.max((part / whole) * 100, 0), 100) : NaN;
}

function oneDecimal(value: number, unit: string): string {
  return Number.isNaN(value) ? 'n/a' : `${value.toFixed(1)}${unit}`;
}
