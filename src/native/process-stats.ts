import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Latin1Counter } from '../common/count-character';
import type { DecodeColumns } from '../model/column-decoding';
import type { ProcessSample } from '../model/resources';
import { loadAddon } from './addon';
import { FallbackStats } from './fallback-stats';
import type { EncodeRecords } from './record-encoder';

export interface ProcessStats {
  /** Whether figures come from Node's own calls, because the native addon cannot be used. */
  readonly degraded: boolean;
  /** Set when degraded: one sentence, why and what to do. */
  readonly degradedReason?: string;
  /** One reading, in microseconds: never waits, never throws. */
  sample(): ProcessSample;
}

/** Elements that `toSample` takes; the addon's struct must have as many. */
const FIELD_COUNT = 23;

/**
 * The figures of this process and its host. `diskPath` names a file or directory, which need not exist yet,
 * on the file system that the disk fields describe; the addon keeps one such path per process, the last given.
 */
export function createProcessStats(diskPath: string): ProcessStats {
  const existing = nearestExisting(diskPath);
  const { addon, reason } = loadAddon(FIELD_COUNT);
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

/** Enough for the two threads that allocate at the same time most of the time: DuckDB's and the driver's. */
const MEMORY_ARENAS = 2;

/** Keeps the C library from holding memory for every thread; without the addon, nothing is done. */
export function limitMemoryArenas(): void {
  loadAddon(FIELD_COUNT).addon?.limitMemoryArenas(MEMORY_ARENAS);
}

/** Blocks up to `block` bytes come from the heap, which keeps `heap` bytes that nobody uses. */
const KEPT_BYTES = {
  batches: { block: 8 * 1024 * 1024, heap: 16 * 1024 * 1024 },
  longValues: { block: 16 * 1024 * 1024, heap: 64 * 1024 * 1024 },
};

/**
 * For `batches`: saves a tenth of the time of a sync that is limited by reading, for 15 MB of memory. Not worth it
 * beside DuckDB, where it costs 25 MB and reading is not the limit.
 *
 * For `longValues`, whose cells have megabytes: a fifth of the process's CPU time when they are only read, a tenth
 * beside DuckDB, for up to 100 MB.
 */
export function keepFreedMemory(of: keyof typeof KEPT_BYTES): void {
  const { block, heap } = KEPT_BYTES[of];
  loadAddon(FIELD_COUNT).addon?.keepFreedMemory?.(block, heap);
}

/** undefined without the addon. */
export function nativeLatin1Counter(): Latin1Counter | undefined {
  return loadAddon(FIELD_COUNT).addon?.countLatin1;
}

/** undefined without the addon. */
export function nativeRecordEncoder(): EncodeRecords | undefined {
  return loadAddon(FIELD_COUNT).addon?.encodeRecords;
}

/** undefined without the addon. */
export function nativeColumnDecoder(): DecodeColumns | undefined {
  return loadAddon(FIELD_COUNT).addon?.decodeVectors;
}

/**
 * Ends the process at once, with what was written to pipes so far: flush logs and close the warehouse before.
 *
 * For when an ODBC call is stuck in a server that stopped answering: process.exit() and process.reallyExit()
 * join libuv's threads on the way out, so they would wait for that call for ever.
 */
export function exitNow(code: number): never {
  const { addon } = loadAddon(FIELD_COUNT);
  addon?.exitNow(Number.isInteger(code) && code >= 0 && code <= 255 ? code : 1);
  // Without the addon only a signal ends a process whose threads are stuck; it costs the exit code.
  process.kill(process.pid, 'SIGKILL');
  throw new Error('The process outlived SIGKILL.');
}

function degraded(diskPath: string, degradedReason: string): ProcessStats {
  const fallback = new FallbackStats(diskPath);
  return { degraded: true, degradedReason, sample: () => fallback.sample() };
}

/** The path itself or its nearest ancestor that exists: the warehouse's folder is created later, by others. */
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
