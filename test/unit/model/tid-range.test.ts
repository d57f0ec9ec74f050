import fc from 'fast-check';
import {
  blockRange,
  POSITIONS_PER_BLOCK,
  subtractRange,
  tidLiteral,
  type TidRange,
} from '../../../src/model/tid-range';

test('a position is written as PostgreSQL writes a ctid', () => {
  expect(tidLiteral(0)).toBe(`'(0,0)'`);
  expect(tidLiteral(600 * POSITIONS_PER_BLOCK + 17)).toBe(`'(600,17)'`);
  expect(tidLiteral(4_294_967_295 * POSITIONS_PER_BLOCK)).toBe(`'(4294967295,0)'`);
});

test('positions follow the order of block and line pointer', () => {
  const place = fc.tuple(fc.nat(4_294_967_295), fc.nat(POSITIONS_PER_BLOCK - 1));
  fc.assert(
    fc.property(place, place, ([blockA, lineA], [blockB, lineB]) => {
      const position = (block: number, line: number): number => blockRange(block, block + 1).lo + line;
      const expected = blockA === blockB ? lineA < lineB : blockA < blockB;
      expect(position(blockA, lineA) < position(blockB, lineB)).toBe(expected);
    }),
  );
});

test('subtracting ranges in any order leaves exactly what was not taken', () => {
  const range = fc
    .tuple(fc.nat(60), fc.nat(60))
    .map(([a, b]): TidRange => ({ lo: Math.min(a, b), hi: Math.max(a, b) }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (taken) => {
      const left = taken.reduce<readonly TidRange[]>(subtractRange, [{ lo: 0, hi: 60 }]);
      for (let position = 0; position < 60; position += 1) {
        const covered = left.filter(({ lo, hi }) => lo <= position && position < hi).length;
        const wasTaken = taken.some(({ lo, hi }) => lo <= position && position < hi);
        expect(covered).toBe(wasTaken ? 0 : 1);
      }
    }),
  );
});
