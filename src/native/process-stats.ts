/** Figures of this process and its host: memory, CPU, limits of containers, disk. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ProcessSample } from '../model/resources';
import { FIELD_COUNT, loadAddon } from './addon';
import { FallbackStats } from './fallback-stats';

export interface ProcessStats {
  /** Whether figures come from Node's own calls because the native addon cannot be used. */
  readonly degraded: boolean;
  /** Set when degraded: one sentence, why and what to do. */
  readonly degradedReason?: string;
  /** One reading, in microseconds: never waits, never throws. */
  sample(): ProcessSample;
}

/**
 * Opens the figures of this process and its host. `diskPath` names a file or directory, which need not exist yet, on
 * the file system that the disk fields describe; the addon keeps one such path per process, the last given.
 */
export function createProcessStats(diskPath: string): ProcessStats {
  const existing = nearestExisting(diskPath);
  const { addon, reason } = loadAddon();
  if (addon === undefined) return degraded(existing, reason);
  addon.setDiskPath(existing);
  const buffer = new Float64Array(FIELD_COUNT);
  const sample = (): ProcessSample => {
    addon.sample(buffer);
    return toSample(buffer);
  };
  // Decisions need these three. The BSDs do not give them to the addon, nor does Linux without /proc.
  const { rssBytes, hostMemoryAvailableBytes, hostCpuTotalSeconds } = sample();
  if ([rssBytes, hostMemoryAvailableBytes, hostCpuTotalSeconds].some(Number.isNaN)) {
    return degraded(existing, 'The native addon cannot read memory and CPU here; on Linux, mount /proc.');
  }
  return { degraded: false, sample };
}

function degraded(diskPath: string, degradedReason: string): ProcessStats {
  const fallback = new FallbackStats(diskPath);
  return { degraded: true, degradedReason, sample: () => fallback.sample() };
}

/** The path itself, or its nearest ancestor that exists: the warehouse's folder is created later. */
function nearestExisting(target: string): string {
  let current = path.resolve(target);
  while (!existsSync(current) && path.dirname(current) !== current) current = path.dirname(current);
  return current;
}

/** In the order of struct ProcessStats in native/process_stats.h. */
function toSample(buffer: Float64Array): ProcessSample {
  let index = 0;
  const next = (): number => buffer[index++] ?? NaN;
  return {
    atMs: next(),
    rssBytes: next(),
    peakRssBytes: next(),
    userCpuSeconds: next(),
    systemCpuSeconds: next(),
    minorFaults: next(),
    majorFaults: next(),
    voluntarySwitches: next(),
    involuntarySwitches: next(),
    threads: next(),
    hostMemoryTotalBytes: next(),
    hostMemoryAvailableBytes: next(),
    cpuAtMs: next(),
    hostCpuBusySeconds: next(),
    hostCpuTotalSeconds: next(),
    cgroupMemoryLimitBytes: next(),
    cgroupMemoryUsedBytes: next(),
    cgroupCpuQuotaCores: next(),
    cgroupCpuUsedSeconds: next(),
    psiMemorySomePercent: next(),
    psiCpuSomePercent: next(),
    diskTotalBytes: next(),
    diskUsedBytes: next(),
  };
}
