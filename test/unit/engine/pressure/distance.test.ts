import { parametersFor } from '../../../../src/engine/pressure/adaptive-processing';
import { batchGrowth, distanceFrom, isFar, worthALogin } from '../../../../src/engine/pressure/distance';

test('batches of a near server stay as they are, those of a far one grow up to four times', () => {
  for (const near of [0, 0.3, 8, Infinity]) {
    expect(isFar(near)).toBe(false);
    expect(batchGrowth(near)).toBe(1);
  }
  expect([10, 50, 200].map(batchGrowth)).toEqual([1.5, 3.5, 4]);
});

test('on a busy host, where a statement may have waited for a processor, a server must be farther to count as far', () => {
  expect(distanceFrom(12, 3, 2)).toBe(12);
  expect(distanceFrom(12, 3.1, 2)).toBe(0);
  expect(distanceFrom(50, 10, 2)).toBe(50);
  expect(distanceFrom(50, 13, 2)).toBe(0);
});

test('from far away a login is worth it for many partitions only', () => {
  expect(worthALogin(2, 0.3)).toBe(true);
  expect([2, 5, 6, 30].map((partitions) => worthALogin(partitions, 50))).toEqual([false, false, true, true]);
});

test('rows of a far batch are bounded by their values, and a custom batch size holds at any distance', () => {
  const far = { batchMode: 'adaptive', roundTripMs: 50 } as const;
  expect(parametersFor(1_000_000, 4, far)).toMatchObject({ batchRows: 17_500, partitionRows: 35_000 });
  // 225,000 values.
  expect(parametersFor(1_000_000, 200, far)).toMatchObject({ batchRows: 1_125 });
  expect(parametersFor(1_000_000, 4, { ...far, customBatchSize: 700 })).toMatchObject({ batchRows: 700 });
  expect(parametersFor(1_000_000, 4, { ...far, batchMode: 'fixed' })).toMatchObject({ batchRows: 2_500 });
});
