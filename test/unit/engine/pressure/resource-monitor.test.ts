import type { ProcessSample } from '../../../../src/model/resources';
import { createProcessStats, type ProcessStats } from '../../../../src/native/process-stats';
import { describePressure, pressureFields, ResourceMonitor } from '../../../../src/engine/pressure/resource-monitor';

const GB = 1024 ** 3;

const calm: ProcessSample = {
  atMs: 0,
  rssBytes: 100e6,
  peakRssBytes: 120e6,
  userCpuSeconds: 0,
  systemCpuSeconds: 0,
  minorFaults: 0,
  majorFaults: 0,
  voluntarySwitches: 0,
  involuntarySwitches: 0,
  threads: 10,
  hostMemoryTotalBytes: 16 * GB,
  hostMemoryAvailableBytes: 12 * GB,
  cpuAtMs: 0,
  hostCpuBusySeconds: 1000,
  hostCpuTotalSeconds: 5000,
  cgroupMemoryLimitBytes: NaN,
  cgroupMemoryUsedBytes: NaN,
  cgroupCpuQuotaCores: NaN,
  cgroupCpuUsedSeconds: NaN,
  psiMemorySomePercent: NaN,
  psiCpuSomePercent: NaN,
  diskTotalBytes: 100 * GB,
  diskUsedBytes: 40 * GB,
};

/** A monitor of recorded samples; the first is taken when the monitor is made. */
function monitorOf(...samples: Partial<ProcessSample>[]): ResourceMonitor {
  let index = 0;
  const stats: ProcessStats = { degraded: false, sample: () => ({ ...calm, ...samples[index++] }) };
  return new ResourceMonitor(stats);
}

describe('memory', () => {
  test("is the host's where no limit is set", () => {
    const pressure = monitorOf({}, {}).read();
    expect(pressure).toMatchObject({ memoryPercent: 25, memoryAvailableBytes: 12 * GB });
  });

  test("is the control group's where one is set, however free the host is", () => {
    const limited = { cgroupMemoryLimitBytes: 2 * GB, cgroupMemoryUsedBytes: 1.8 * GB };
    const pressure = monitorOf({}, limited).read();
    expect(pressure.memoryPercent).toBeCloseTo(90, 6);
    expect(pressure.memoryAvailableBytes).toBeCloseTo(0.2 * GB, 0);
  });

  test('never exceeds 100 % when use overruns the limit', () => {
    const over = { cgroupMemoryLimitBytes: GB, cgroupMemoryUsedBytes: 1.1 * GB };
    expect(monitorOf({}, over).read()).toMatchObject({ memoryPercent: 100, memoryAvailableBytes: 0 });
  });

  test('stalls are told where the kernel knows them', () => {
    expect(monitorOf({}, { psiMemorySomePercent: 12.5 }).read().memoryStallPercent).toBe(12.5);
    expect(monitorOf({}, {}).read()).not.toHaveProperty('memoryStallPercent');
  });
});

describe('CPU', () => {
  test('is the busy share of all cores between two samples', () => {
    const later = { cpuAtMs: 1000, hostCpuBusySeconds: 1003, hostCpuTotalSeconds: 5004 };
    expect(monitorOf({}, later).read().cpuPercent).toBeCloseTo(75, 6);
  });

  test('is the share of the quota where one is set, however idle the host is', () => {
    const start = { cgroupCpuQuotaCores: 1.5, cgroupCpuUsedSeconds: 10 };
    const later = { ...start, cgroupCpuUsedSeconds: 12.7, cpuAtMs: 2000, hostCpuTotalSeconds: 5128 };
    expect(monitorOf(start, later).read().cpuPercent).toBeCloseTo(90, 6);
  });

  test('tells what this process has of it', () => {
    const later = {
      cpuAtMs: 1000,
      hostCpuBusySeconds: 1003,
      hostCpuTotalSeconds: 5004,
      atMs: 1000,
      userCpuSeconds: 0.6,
    };
    const { cpuPercent, ownCpuPercent } = monitorOf({}, { ...later, systemCpuSeconds: 0.2 }).read();
    expect([cpuPercent, ownCpuPercent]).toEqual([expect.closeTo(75, 6), expect.closeTo(20, 6)]);
    const start = { cgroupCpuQuotaCores: 2, cgroupCpuUsedSeconds: 10 };
    const limited = monitorOf(start, { ...later, ...start, cgroupCpuUsedSeconds: 11.5 }).read();
    expect([limited.cpuPercent, limited.ownCpuPercent]).toEqual([expect.closeTo(75, 6), expect.closeTo(30, 6)]);
  });

  test("tells what the server's processes on this host have of it, those of new connections included", () => {
    const later = { cpuAtMs: 1000, atMs: 1000, hostCpuBusySeconds: 1004, hostCpuTotalSeconds: 5004, userCpuSeconds: 1 };
    const seconds = [
      new Map([[7, 100]]),
      new Map([
        [7, 101],
        [8, 0.5],
      ]),
    ];
    const samples = [{}, later];
    const stats: ProcessStats = { degraded: false, sample: () => ({ ...calm, ...samples.shift() }) };
    const monitor = new ResourceMonitor(stats, 200, 100, () => seconds.shift() ?? new Map());
    // One second and a half of four, beside one of our own.
    expect(monitor.read()).toMatchObject({ cpuPercent: 100, ownCpuPercent: 25, serverCpuPercent: 37.5 });
    expect(monitorOf({}, later).read()).not.toHaveProperty('serverCpuPercent');
  });

  test('is not known before the first window has passed', () => {
    const soon = { cpuAtMs: 20, hostCpuBusySeconds: 1000.04, hostCpuTotalSeconds: 5000.04 };
    expect(monitorOf({}, soon).read().cpuPercent).toBeNaN();
  });

  test('keeps the last figure within a window, so that one tick in a short one is not 100 %', () => {
    const first = { cpuAtMs: 1000, hostCpuBusySeconds: 1001, hostCpuTotalSeconds: 5004 };
    const tick = { cpuAtMs: 1010, hostCpuBusySeconds: 1001.02, hostCpuTotalSeconds: 5004.02 };
    const second = { cpuAtMs: 1250, hostCpuBusySeconds: 1001.5, hostCpuTotalSeconds: 5005 };
    const monitor = monitorOf({}, first, tick, second);
    const figures = [monitor.read(), monitor.read(), monitor.read()].map((pressure) => pressure.cpuPercent);
    expect(figures.map(Math.round)).toEqual([25, 25, 50]);
  });

  test('stays within 0 and 100 when sums step back or a quota is overrun', () => {
    const back = { cpuAtMs: 300, hostCpuBusySeconds: 999.99, hostCpuTotalSeconds: 5000.5 };
    expect(monitorOf({}, back).read().cpuPercent).toBe(0);
    const start = { cgroupCpuQuotaCores: 1, cgroupCpuUsedSeconds: 0 };
    expect(monitorOf(start, { ...start, cgroupCpuUsedSeconds: 2, cpuAtMs: 500 }).read().cpuPercent).toBe(100);
  });
});

test('RSS is that of the last reading', () => {
  const monitor = monitorOf({}, { rssBytes: 200e6, peakRssBytes: 250e6, threads: 12 });
  monitor.read();
  expect([monitor.rssBytes, monitor.peakRssBytes, monitor.sample.threads]).toEqual([200e6, 250e6, 12]);
});

test('the status line reads as it always did', () => {
  const later = { cpuAtMs: 1000, hostCpuBusySeconds: 1000.5, hostCpuTotalSeconds: 5004 };
  expect(describePressure(monitorOf({}, later).read())).toBe(
    'Resource Monitor: Memory 25.0% (12.0GB available), CPU 12.5%, Disk 40.0%',
  );
});

test('what is not known is said to be so', () => {
  const nothing = { memoryPercent: NaN, memoryAvailableBytes: NaN, cpuPercent: NaN, diskPercent: NaN };
  expect(describePressure(nothing)).toBe('Resource Monitor: Memory n/a (n/a available), CPU n/a, Disk n/a');
  expect(pressureFields(nothing)).toEqual({
    memoryPercent: null,
    memoryAvailableBytes: null,
    cpuPercent: null,
    diskPercent: null,
  });
});

test('machines are told the same figures', () => {
  const later = { cpuAtMs: 1000, hostCpuBusySeconds: 1000.5, hostCpuTotalSeconds: 5004 };
  expect(pressureFields(monitorOf({}, later).read())).toEqual({
    memoryPercent: 25,
    memoryAvailableBytes: 12 * 1024 ** 3,
    cpuPercent: 12.5,
    diskPercent: 40,
  });
});

test('on this machine: every figure after a moment, none of them by waiting', async () => {
  const monitor = new ResourceMonitor(createProcessStats('/'));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const pressure = monitor.read();
  for (const figure of [pressure.memoryPercent, pressure.cpuPercent, pressure.diskPercent]) {
    expect(figure).toBeGreaterThanOrEqual(0);
    expect(figure).toBeLessThanOrEqual(100);
  }
  expect(describePressure(pressure)).toMatch(
    /^Resource Monitor: Memory \d+\.\d% \(\d+\.\dGB available\), CPU \d+\.\d%, Disk \d+\.\d%$/,
  );
});
