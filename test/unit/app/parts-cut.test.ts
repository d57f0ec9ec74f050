import fc from 'fast-check';
import { cutIntoParts } from '../../../src/app/parts/cut';
import type { TableState } from '../../../src/model/sync-state';
import { blockRange } from '../../../src/model/tid-range';

function loading(from: number, to: number): TableState {
  const pending = from < to ? [blockRange(from, to)] : [];
  const load = {
    ...{ startedAt: '', signature: '', source: '', firstXmin: '1', watermark: null, snapshots: 1, rows: 0 },
    relations: [{ oid: 1, fileNode: '1', pending }],
  };
  return {
    ...{ destinationTable: 't', mode: 'xmin', primaryKey: [], lastSyncedAt: null, rows: 0, signature: null },
    ...{ shape: null, source: null, relations: [], xmin: null, replicationKey: null, watermark: null },
    ...{ passesSinceReconcile: 0, load },
  };
}

describe('cutIntoParts', () => {
  it('covers what is pending, without gap or overlap, in parts of the size that is asked for', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(5_000), fc.integer({ min: 1, max: 900 }), (from, more, size) => {
        const parts = cutIntoParts(loading(from, from + more), size);
        expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index));
        let next = from;
        for (const { fromBlock, toBlock } of parts) {
          expect(fromBlock).toBe(next);
          expect(toBlock - fromBlock).toBeGreaterThan(0);
          expect(toBlock - fromBlock).toBeLessThanOrEqual(size);
          next = toBlock;
        }
        expect(next).toBe(from + more);
      }),
    );
  });

  it('has nothing to cut of a table that is empty', () => {
    expect(cutIntoParts(loading(0, 0), 10)).toEqual([]);
  });
});
