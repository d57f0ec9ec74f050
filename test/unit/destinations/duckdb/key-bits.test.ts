import fc from 'fast-check';
import { KeyBits } from '../../../../src/destinations/duckdb/key-bits';
import { PackedColumn, packValues } from '../../../../src/model/packed-batch';

const WIDTHS = { int16: 4, int32: 8, int64: 16 } as const;
type Kind = keyof typeof WIDTHS;

/** As the server sends them. */
function digits(kind: Kind, values: readonly bigint[]): PackedColumn {
  const width = WIDTHS[kind];
  const text = values
    .map((value) =>
      BigInt.asUintN(width * 4, value)
        .toString(16)
        .padStart(width, '0'),
    )
    .join('');
  return new PackedColumn(text, values.length, false, kind);
}

function numbersIn(bits: KeyBits): bigint[] {
  const value = bits.value();
  return Array.from({ length: value.length }, (_, place) => place)
    .filter((place) => value.getBool(place))
    .map((place) => BigInt(bits.least + place));
}

const ascending = (one: bigint, other: bigint): number => (one < other ? -1 : 1);

it.each<[Kind, bigint]>([
  ['int16', 2n ** 15n],
  ['int32', 2n ** 31n],
  ['int64', 2n ** 63n],
])('has the numbers of its extent, whether they come as text or as digits of %s', (kind, limit) => {
  const near = fc.bigInt({ min: -1_000n, max: 1_000n });
  const any = fc.bigInt({ min: -limit, max: limit - 1n });
  fc.assert(
    fc.property(fc.array(fc.oneof(near, any)), near, fc.bigInt({ min: 0n, max: 500n }), (numbers, least, length) => {
      const expected = [...new Set(numbers)].filter((it) => it >= least && it <= least + length).sort(ascending);
      for (const column of [digits(kind, numbers), packValues(numbers.map(String))]) {
        if (numbers.length === 0) continue;
        const bits = KeyBits.between(String(least), String(least + length), 1);
        bits?.add(column);
        expect(bits === undefined ? undefined : numbersIn(bits)).toEqual(expected);
      }
    }),
  );
});

it('is not made for numbers that are far apart, or that a number of JavaScript would round', () => {
  expect(KeyBits.between('0', '63999', 1)).toBeDefined();
  expect(KeyBits.between('0', '64000', 1)).toBeUndefined();
  expect(KeyBits.between('0', '64000', 2_000)).toBeDefined();
  expect(KeyBits.between('0', '134217728', 10_000_000)).toBeUndefined();
  expect(KeyBits.between('9007199254740992', '9007199254740995', 3)).toBeUndefined();
});
