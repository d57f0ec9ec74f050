import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAddon } from '../../../src/native/addon';
import { createProcessStats, type ProcessStats } from '../../../src/native/process-stats';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function burnCpu(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end) Math.sqrt(end);
}

function degradedStats(diskPath: string): ProcessStats {
  process.env['PGSLUICE_NO_ADDON'] = '1';
  try {
    return createProcessStats(diskPath);
  } finally {
    delete process.env['PGSLUICE_NO_ADDON'];
  }
}

interface HostCpu {
  readonly busy: number;
  readonly total: number;
}

/** The first eight fields of the line of all cores in /proc/stat; idle and iowait are not busy. */
function hostCpuOfKernel(): HostCpu {
  const line = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const ticks = line.split(' ').slice(0, 8).map(Number);
  const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0) / 100;
  return { busy: sum(ticks.filter((_, index) => index !== 3 && index !== 4)), total: sum(ticks) };
}

function hostCpuOfNode(): HostCpu {
  const times = os.cpus().map((core) => core.times);
  const busy = times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0) / 1000;
  return { busy, total: busy + times.reduce((sum, { idle }) => sum + idle, 0) / 1000 };
}

describe.each([
  ['through the addon', createProcessStats, hostCpuOfKernel],
  ['degraded', degradedStats, hostCpuOfNode],
])('%s', (_name, create, hostCpu) => {
  const stats = create('/tmp');

  test('RSS is what Node says', () => {
    const rss = process.memoryUsage.rss();
    expect(Math.abs(stats.sample().rssBytes - rss)).toBeLessThan(16 * 1024 * 1024);
  });

  test('RSS and its peak follow an allocation', () => {
    const before = stats.sample();
    const ballast = Buffer.alloc(200 * 1024 * 1024, 1);
    const after = stats.sample();
    expect(ballast).toHaveLength(200 * 1024 * 1024);
    expect(after.rssBytes - before.rssBytes).toBeGreaterThan(150 * 1024 * 1024);
    expect(after.peakRssBytes).toBeGreaterThanOrEqual(after.rssBytes);
  });

  test('CPU time is what Node says, before and after', () => {
    const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;
    const before = seconds(process.cpuUsage());
    burnCpu(50);
    const first = stats.sample();
    const between = seconds(process.cpuUsage());
    burnCpu(50);
    const second = stats.sample();
    const after = seconds(process.cpuUsage());
    const [early, late] = [first, second].map((sample) => sample.userCpuSeconds + sample.systemCpuSeconds);
    const order = [before, early ?? NaN, between, late ?? NaN, after];
    // Sums of two times, each in whole microseconds: equal ones may differ in the last digits.
    for (const [index, next] of order.slice(1).entries())
      expect(next).toBeGreaterThanOrEqual((order[index] ?? NaN) - 5e-6);
    expect(after).toBeGreaterThan(before);
  });

  test('faults and switches are what Node says, and only grow', () => {
    const before = stats.sample();
    const node = process.resourceUsage();
    const after = stats.sample();
    expect(node.minorPageFault).toBeGreaterThanOrEqual(before.minorFaults);
    expect(node.minorPageFault).toBeLessThanOrEqual(after.minorFaults);
    expect(node.voluntaryContextSwitches).toBeGreaterThanOrEqual(before.voluntarySwitches);
    expect(node.voluntaryContextSwitches).toBeLessThanOrEqual(after.voluntarySwitches);
  });

  test('host memory is what the operating system says', () => {
    const sample = stats.sample();
    expect(Math.abs(sample.hostMemoryTotalBytes / os.totalmem() - 1)).toBeLessThan(0.01);
    expect(sample.hostMemoryAvailableBytes).toBeGreaterThan(0);
    expect(sample.hostMemoryAvailableBytes).toBeLessThan(sample.hostMemoryTotalBytes);
  });

  test('host CPU time is that of all cores, as the operating system counts it', async () => {
    const before = hostCpu();
    // A reading is kept for a tenth of a second: this one is new.
    await pause(300);
    const first = stats.sample();
    const between = hostCpu();
    burnCpu(150);
    await pause(300);
    const second = stats.sample();
    const after = hostCpu();
    const total = [before.total, first.hostCpuTotalSeconds, between.total, second.hostCpuTotalSeconds, after.total];
    const busy = [before.busy, first.hostCpuBusySeconds, between.busy, second.hostCpuBusySeconds, after.busy];
    for (const order of [total, busy]) {
      // Sums of ticks in seconds: equal ones may differ in the last digits.
      for (const [index, next] of order.slice(1).entries())
        expect(next).toBeGreaterThanOrEqual((order[index] ?? NaN) - 1e-6);
    }
    expect(second.hostCpuBusySeconds).toBeGreaterThan(first.hostCpuBusySeconds);
    expect(second.hostCpuTotalSeconds).toBeGreaterThan(first.hostCpuTotalSeconds);
  });

  test('disk use is that of the file system, as df counts it', async () => {
    // Disk use is read once a second, and other tests write meanwhile: it is one of the figures of that second.
    const used: number[] = [];
    const all: number[] = [];
    const look = (): void => {
      const fs = statfsSync('/tmp');
      used.push((fs.blocks - fs.bfree) * fs.bsize);
      all.push((fs.blocks - fs.bfree + fs.bavail) * fs.bsize);
    };
    for (const start = performance.now(); performance.now() - start < 1_200; await pause(10)) look();
    const sample = stats.sample();
    look();
    const slack = 64 * 1024 * 1024;
    expect(sample.diskUsedBytes).toBeGreaterThan(Math.min(...used) - slack);
    expect(sample.diskUsedBytes).toBeLessThan(Math.max(...used) + slack);
    expect(sample.diskTotalBytes).toBeGreaterThan(Math.min(...all) - slack);
    expect(sample.diskTotalBytes).toBeLessThan(Math.max(...all) + slack);
  });

  test('a folder that does not exist yet is measured on the file system that will hold it', () => {
    const missing = path.join('/tmp', 'not', 'yet', 'there', 'warehouse.db');
    expect(existsSync(missing)).toBe(false);
    expect(create(missing).sample().diskTotalBytes).toBeGreaterThan(0);
  });
});

test('the addon counts threads', () => {
  const threads = /^Threads:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  expect(Math.abs(createProcessStats('/').sample().threads - Number(threads))).toBeLessThanOrEqual(2);
});

test('with the addon nothing is said to be degraded', () => {
  const stats = createProcessStats('/');
  expect({ degraded: stats.degraded, reason: stats.degradedReason }).toEqual({ degraded: false, reason: undefined });
});

test('PGSLUICE_NO_ADDON=1 is named as the reason', () => {
  const stats = degradedStats('/');
  expect(stats.degraded).toBe(true);
  expect(stats.degradedReason).toBe(
    'The native addon is switched off by PGSLUICE_NO_ADDON=1; unset it for exact figures.',
  );
});

test('an addon that was not built, cannot be loaded or belongs to another version says what to do', () => {
  const advice = 'install python3, make and a C++ compiler, then run `npm rebuild pgsluice`.';
  expect(loadAddon(23, '/nowhere/process_stats.node').reason).toBe(`The native addon was not built; ${advice}`);
  expect(loadAddon(24).reason).toBe(`The native addon belongs to another version of pgsluice; ${advice}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'pgsluice-'));
  const damaged = path.join(folder, 'process_stats.node');
  writeFileSync(damaged, 'not an addon');
  const { reason } = loadAddon(23, damaged);
  rmSync(folder, { recursive: true });
  expect(reason).toMatch(/^The native addon cannot be loaded \(.+\); /);
  expect(reason).toContain(advice);
});
