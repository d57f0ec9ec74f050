import fc from 'fast-check';
import type { Relation } from '../../../../src/model/table';
import { blockRange, POSITIONS_PER_BLOCK } from '../../../../src/model/tid-range';
import { planPartitions } from '../../../../src/engine/plan/partition-planner';

const relation = (rows: number, blocks: number): Relation => ({
  oid: 1,
  schema: 's',
  name: 't',
  blocks,
  rows,
  bytes: blocks * 8192,
  rangeReadable: true,
});

test('partitions cover what is pending without gap or overlap', () => {
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 1, max: 50_000 }),
      fc.integer({ min: 1, max: 100_000_000 }),
      (rows, blocks, partitionRows, partitionBytes) => {
        const size = { rows: partitionRows, bytes: partitionBytes };
        const parts = planPartitions(relation(rows, blocks), [blockRange(0, blocks)], size);
        let at = 0;
        for (const { range } of parts) {
          expect(range?.lo).toBe(at);
          at = range?.hi ?? -1;
        }
        expect(at).toBe(blocks * POSITIONS_PER_BLOCK);
      },
    ),
  );
});

test('nothing pending, nothing planned', () => {
  expect(planPartitions(relation(0, 0), [], { rows: 50_000, bytes: Infinity })).toEqual([]);
});

test('a partition holds about the wanted rows', () => {
  const size = { rows: 50_000, bytes: Infinity };
  expect(planPartitions(relation(1_000_000, 10_000), [blockRange(0, 10_000)], size)).toHaveLength(20);
});

test('few but wide rows are shared out by their bytes, TOAST included', () => {
  const texts = { ...relation(5_000, 50), bytes: 500_000_000 };
  expect(planPartitions(texts, [blockRange(0, 50)], { rows: 50_000, bytes: 50_000_000 })).toHaveLength(10);
});
