import { statfsSync } from 'node:fs';
import os from 'node:os';
import { freemem, totalmem } from 'os-utils';
import type { ProcessSample } from '../model/resources';

const MEGABYTE = 1024 * 1024;
// os.cpus() takes 60 us on two cores and more on many; its sums tick 100 times a second.
const CPU_MAX_AGE_MS = 100;
const DISK_MAX_AGE_MS = 1000;

type CpuFields = Pick<ProcessSample, 'cpuAtMs' | 'hostCpuBusySeconds' | 'hostCpuTotalSeconds'>;
type DiskFields = Pick<ProcessSample, 'diskTotalBytes' | 'diskUsedBytes'>;

/** Reads the figures that os-utils and Node give, for hosts without the addon. The others are NaN. */
export class FallbackStats {
  private cpu: CpuFields | undefined;
  private disk: DiskFields | undefined;
  private diskAtMs = 0;

  constructor(private readonly diskPath: string) {}

  sample(): ProcessSample {
    const atMs = performance.now();
    const usage = process.resourceUsage();
    const rssBytes = process.memoryUsage.rss();
    const totalBytes = totalmem() * MEGABYTE;
    const limitBytes = memoryLimitBytes(totalBytes);
    return {
      atMs,
      rssBytes,
      peakRssBytes: Math.max(usage.maxRSS * 1024, rssBytes),
      userCpuSeconds: usage.userCPUTime / 1e6,
      systemCpuSeconds: usage.systemCPUTime / 1e6,
      minorFaults: usage.minorPageFault,
      majorFaults: usage.majorPageFault,
      voluntarySwitches: usage.voluntaryContextSwitches,
      involuntarySwitches: usage.involuntaryContextSwitches,
      threads: NaN,
      hostMemoryTotalBytes: totalBytes,
      hostMemoryAvailableBytes: freemem() * MEGABYTE,
      ...this.readCpu(atMs),
      cgroupMemoryLimitBytes: limitBytes,
      // process.availableMemory() counts page cache as used, which would look like constant pressure
      // while the warehouse is written; the process itself is most of what its container uses.
      cgroupMemoryUsedBytes: Number.isNaN(limitBytes) ? NaN : rssBytes,
      cgroupCpuQuotaCores: NaN,
      cgroupCpuUsedSeconds: NaN,
      psiMemorySomePercent: NaN,
      psiCpuSomePercent: NaN,
      ...this.readDisk(atMs),
    };
  }

  private readCpu(nowMs: number): CpuFields {
    if (this.cpu !== undefined && nowMs - this.cpu.cpuAtMs < CPU_MAX_AGE_MS) return this.cpu;
    let busy = 0;
    let idle = 0;
    for (const { times } of os.cpus()) {
      busy += times.user + times.nice + times.sys + times.irq;
      idle += times.idle;
    }
    this.cpu = { cpuAtMs: nowMs, hostCpuBusySeconds: busy / 1000, hostCpuTotalSeconds: (busy + idle) / 1000 };
    return this.cpu;
  }

  private readDisk(nowMs: number): DiskFields {
    if (this.disk !== undefined && nowMs - this.diskAtMs < DISK_MAX_AGE_MS) return this.disk;
    this.diskAtMs = nowMs;
    try {
      const fs = statfsSync(this.diskPath);
      const diskUsedBytes = (fs.blocks - fs.bfree) * fs.bsize;
      this.disk = { diskUsedBytes, diskTotalBytes: diskUsedBytes + fs.bavail * fs.bsize };
    } catch {
      this.disk = { diskUsedBytes: NaN, diskTotalBytes: NaN };
    }
    return this.disk;
  }
}

/** The limit of this process's memory. Node returns 0, or more than the host has, where no limit is set. */
function memoryLimitBytes(hostTotalBytes: number): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < hostTotalBytes ? limit : NaN;
}
