/** One reading of what the process and its host use. NaN where the platform does not say. */
export interface ProcessSample {
  /** Milliseconds of a monotonic clock. */
  readonly atMs: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly userCpuSeconds: number;
  readonly systemCpuSeconds: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
  readonly threads: number;
  readonly hostMemoryTotalBytes: number;
  readonly hostMemoryAvailableBytes: number;
  /** When the CPU sums below were read, on the clock of `atMs`: they may be a little older than the rest. */
  readonly cpuAtMs: number;
  /** Sums since boot over the cores this process may run on, in seconds. */
  readonly hostCpuBusySeconds: number;
  readonly hostCpuTotalSeconds: number;
  /** NaN when no limit is set. */
  readonly cgroupMemoryLimitBytes: number;
  /** Without page cache that the kernel takes back on demand; NaN when no limit is set. */
  readonly cgroupMemoryUsedBytes: number;
  /** Cores the cgroup may use; NaN when no quota is set. */
  readonly cgroupCpuQuotaCores: number;
  /** CPU time of the group that the quota belongs to; NaN when no quota is set. */
  readonly cgroupCpuUsedSeconds: number;
  /** Share of the last 10 s in which some task waited, percent. */
  readonly psiMemorySomePercent: number;
  readonly psiCpuSomePercent: number;
  /** What this process may use at most: blocks reserved for root are left out, as `df` does. */
  readonly diskTotalBytes: number;
  readonly diskUsedBytes: number;
}

/** The figures that decisions are based on. Percentages are of what the process may really use; NaN while unknown. */
export interface Pressure {
  readonly memoryPercent: number;
  readonly memoryAvailableBytes: number;
  readonly cpuPercent: number;
  /** What this process itself has of `cpuPercent`; left out as long as that is not known. */
  readonly ownCpuPercent?: number;
  /** What the server's processes for our connections have of it; left out where they are not on this host. */
  readonly serverCpuPercent?: number;
  readonly diskPercent: number;
  /** Share of the last 10 s in which some task waited for memory, percent; left out where the kernel does not say. */
  readonly memoryStallPercent?: number;
  /** CPU use since measuring began, as long as `cpuPercent` is not known yet: for display only. */
  readonly cpuPercentSoFar?: number;
}
