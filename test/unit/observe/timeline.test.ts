import { Series } from '../../../src/observe/series';
import { Timeline } from '../../../src/observe/timeline';

const statement = (backendPid: number, startedMs: number, endedMs: number) => {
  return { backendPid, startedMs, endedMs, doing: 'reading public.t', failed: false };
};

describe('the timeline of a table', () => {
  it('joins statements that follow one another on a connection, and keeps connections apart', () => {
    const timeline = new Timeline();
    timeline.add(statement(7, 1000, 1050));
    timeline.add(statement(8, 1020, 1090));
    timeline.add(statement(7, 1060, 1100));
    timeline.add(statement(7, 1900, 2000));
    expect(timeline.since(1000)).toEqual([
      { connection: 7, from: 0, to: 0.1 },
      { connection: 8, from: 0.02, to: 0.09 },
      { connection: 7, from: 0.9, to: 1 },
    ]);
  });

  it('tells waits to begin, for the warehouse and for another attempt apart', () => {
    const timeline = new Timeline();
    timeline.add(statement(1, 1500, 2000));
    timeline.add(statement(2, 1700, 2500));
    timeline.add(statement(1, 3000, 3100));
    expect(timeline.waits(1000, 4000)).toEqual({ begin: 500, warehouse: 500 + 900, retry: 0 });
    expect(new Timeline().waits(1000, 4000)).toEqual({ begin: 3000, warehouse: 0, retry: 0 });
    timeline.pause(2600, 2900);
    expect(timeline.waits(1000, 4000)).toEqual({ begin: 500, warehouse: 200 + 900, retry: 300 });
    expect(timeline.pausesSince(1000, 2800)).toEqual([{ from: 1.6, to: 1.8 }]);
  });

  it('stays small however long it grows, and covers the same time', () => {
    const timeline = new Timeline();
    for (let number = 0; number < 20_000; number += 1) timeline.add(statement(1, number * 1000, number * 1000 + 10));
    const spans = timeline.since(0);
    expect(spans.length).toBeLessThanOrEqual(400);
    expect(spans[0]?.from).toBe(0);
    expect(spans.at(-1)?.to).toBeCloseTo(19_999.01, 2);
  });
});

describe('the series of samples', () => {
  const sample = {
    rowsPerSecond: 1,
    megabytesPerSecond: 1,
    rssMegabytes: 1,
    memoryLimitMegabytes: NaN,
    cpuPercent: NaN,
    ownCpuPercent: NaN,
    batchRows: 1,
    readers: 1,
    retries: 0,
  };

  it('shows a gap for what is not known', () => {
    const series = new Series();
    series.add(0, sample);
    expect(series.columns()).toMatchObject({ time: [0], rowsPerSecond: [1], cpuPercent: [null] });
  });

  it('thins itself out over a long run and slows down with it', () => {
    const series = new Series();
    let time = 0;
    for (let count = 0; count < 10_000; count += 1) series.add((time += series.intervalSeconds), sample);
    expect(series.columns().time.length).toBeLessThanOrEqual(1200);
    expect(series.intervalSeconds).toBeGreaterThan(1);
  });
});
