import fc from 'fast-check';
import type { Relation } from '../../../src/model/table';
import { blockRange, POSITIONS_PER_BLOCK } from '../../../src/model/tid-range';
import { planPartitions } from '../../../src/sync/partition-planner';

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
      (rows, blocks, partitionRows) => {
        const parts = planPartitions(relation(rows, blocks), [blockRange(0, blocks)], partitionRows);
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
  expect(planPartitions(relation(0, 0), [], 50_000)).toEqual([]);
});

test('a partition holds about the wanted rows', () => {
  expect(planPartitions(relation(1_000_000, 10_000), [blockRange(0, 10_000)], 50_000)).toHaveLength(20);
});
