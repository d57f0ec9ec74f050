import { retryDelaySeconds, sleep } from '../../../src/common/retry';

test('the base doubles with each attempt, up to 300 seconds', () => {
  const bases = [0, 1, 2, 3, 10].map((attempt) => retryDelaySeconds(attempt, 5, () => 0.5));
  expect(bases).toEqual([5, 10, 20, 40, 300]);
});

test('the delay is spread evenly from half to one and a half times the base', () => {
  const delays = Array.from({ length: 20_000 }, () => retryDelaySeconds(1, 5)).sort((a, b) => a - b);
  expect(delays[0]).toBeGreaterThanOrEqual(5);
  expect(delays.at(-1)).toBeLessThan(15);
  // Each quarter of the range holds about a quarter of the delays: 20,000 tries, 10 standard deviations of room.
  for (const quarter of [0, 1, 2, 3]) {
    const inQuarter = delays.filter((delay) => delay >= 5 + quarter * 2.5 && delay < 7.5 + quarter * 2.5).length;
    expect(Math.abs(inQuarter - 5000)).toBeLessThan(650);
  }
});

test('a fraction of a second is allowed', () => {
  expect(retryDelaySeconds(0, 0.1, () => 0)).toBeCloseTo(0.05, 10);
});

test('a wait ends at once when it is interrupted', async () => {
  const controller = new AbortController();
  const waiting = sleep(3600, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
  await expect(sleep(3600, controller.signal)).rejects.toMatchObject({ code: 'interrupted' });
});
