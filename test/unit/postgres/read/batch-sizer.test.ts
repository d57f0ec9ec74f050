import fc from 'fast-check';
import { BatchSizer } from '../../../../src/postgres/read/batch-sizer';
import { blockRange, POSITIONS_PER_BLOCK } from '../../../../src/model/tid-range';

const MB = 1_000_000;

test('any sequence of batches covers the range without gap or overlap, and ends', () => {
  const table = fc.record({
    estimatedRows: fc.nat(10_000),
    blocks: fc.integer({ min: 1, max: 50 }),
    bytes: fc.nat(10 * MB),
    batchBytes: fc.integer({ min: 1, max: 10 * MB }),
  });
  fc.assert(
    fc.property(
      table,
      fc.integer({ min: 1, max: 5000 }),
      fc.array(fc.tuple(fc.nat(3000), fc.nat(5 * MB))),
      (options, batchRows, seen) => {
        const sizer = new BatchSizer(options);
        let rest = blockRange(0, options.blocks);
        for (let step = 0; rest.lo < rest.hi; step += 1) {
          const next = sizer.next(rest, batchRows);
          expect(next.lo).toBe(rest.lo);
          expect(next.hi).toBeGreaterThan(next.lo);
          expect(next.hi).toBeLessThanOrEqual(rest.hi);
          const [rows, bytes] = seen[step] ?? [10, 1000];
          sizer.observe(next, rows, bytes);
          rest = { lo: next.hi, hi: rest.hi };
        }
      },
    ),
  );
});

test('reaches as far as the wanted rows go, once the estimate is confirmed', () => {
  const sizer = new BatchSizer({ estimatedRows: 100_000, blocks: 1000, bytes: 8 * MB, batchBytes: 8 * MB });
  sizer.observe(blockRange(0, 10), 1000, 80_000);
  expect(sizer.next(blockRange(10, 1000), 5000)).toEqual(blockRange(10, 60));
});

test('wide rows make short batches', () => {
  const sizer = new BatchSizer({ estimatedRows: 1000, blocks: 100, bytes: 1000 * MB, batchBytes: 8 * MB });
  sizer.observe(blockRange(0, 1), 10, 10 * MB);
  const next = sizer.next(blockRange(1, 100), 5000);
  expect(next.hi - next.lo).toBeLessThanOrEqual(POSITIONS_PER_BLOCK);
});

test('a table of mostly empty pages is not read in one long statement', () => {
  const sizer = new BatchSizer({ estimatedRows: 10, blocks: 1_000_000, bytes: 8000 * MB, batchBytes: 8 * MB });
  sizer.observe(blockRange(0, 4096), 0, 0);
  const next = sizer.next(blockRange(4096, 1_000_000), 5000);
  expect((next.hi - next.lo) / POSITIONS_PER_BLOCK).toBeLessThanOrEqual(4096);
});

test('empty blocks at the end of a relation widen the next batch of another reader twofold at most', () => {
  const options = { estimatedRows: 100_000, blocks: 1000, bytes: 8 * MB, batchBytes: 8 * MB };
  const sizer = new BatchSizer(options);
  sizer.observe(blockRange(0, 10), 1000, 80_000);
  sizer.observe(blockRange(990, 1000), 0, 0);
  expect(sizer.next(blockRange(10, 900), 5000)).toEqual(blockRange(10, 110));
});

test('where most rows are left out, what one range held does not limit the next', () => {
  const sizer = new BatchSizer({
    estimatedRows: 1_000_000,
    blocks: 10_000,
    bytes: 80 * MB,
    batchBytes: 8 * MB,
    sparse: true,
  });
  sizer.observe(blockRange(0, 10), 0, 0);
  expect(sizer.next(blockRange(10, 10_000), 5000)).toEqual(blockRange(10, 10 + 4096));
});

test('what little is left of a range is read with the batch before it', () => {
  const sizer = new BatchSizer({ estimatedRows: 100_000, blocks: 1000, bytes: 8 * MB, batchBytes: 8 * MB });
  sizer.observe(blockRange(0, 10), 1000, 80_000);
  expect(sizer.next(blockRange(10, 65), 5000)).toEqual(blockRange(10, 65));
  expect(sizer.next(blockRange(10, 66), 5000)).toEqual(blockRange(10, 60));
});

test('from far away a look for changes reaches as far as the server takes about 100 ms for, between two bounds', () => {
  const blocksAfter = (serverMs: number, far = true): number => {
    const options = { estimatedRows: 10_000_000, blocks: 100_000, bytes: 800 * MB, batchBytes: 8 * MB };
    const sizer = new BatchSizer({ ...options, sparse: true, far });
    sizer.observe(blockRange(0, 1024), 0, 0, serverMs);
    return (sizer.next(blockRange(1024, 100_000), 50_000).hi - blockRange(1024, 1024).lo) / POSITIONS_PER_BLOCK;
  };
  expect([-3, 8, 40, 300].map((serverMs) => blocksAfter(serverMs))).toEqual([16_384, 12_800, 2_560, 1_024]);
  expect(blocksAfter(8, false)).toBe(4_096);
});
