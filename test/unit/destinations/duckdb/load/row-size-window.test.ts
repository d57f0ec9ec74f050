import { RecentRows } from '../../../../../src/destinations/duckdb/load/row-size-window';

test('bytes of the batches that hold the last rows', () => {
  const recent = new RecentRows(100);
  expect(recent.add(60, 6_000)).toBe(6_000);
  expect(recent.add(30, 300)).toBe(6_300);
  // 40 of the first 60 are among the last 100, so all of them count.
  expect(recent.add(30, 300)).toBe(6_600);
  expect(recent.add(40, 400)).toBe(1_000);
});

test('a batch of more rows than are looked back on stands alone', () => {
  const recent = new RecentRows(100);
  recent.add(60, 6_000);
  expect(recent.add(5_000, 50_000)).toBe(50_000);
});

test('one long value counts once, not as a hundred of them', () => {
  const recent = new RecentRows(100);
  for (let batch = 0; batch < 20; batch += 1) recent.add(10, 100);
  expect(recent.add(1, 50_000_000)).toBe(50_001_000);
});
