import { columnTypeOf } from '../../../../src/postgres/catalog/column-types';

/** atttypmod of numeric(p,s), as PostgreSQL computes it. */
const modifierOf = (precision: number, scale: number): number => ((precision << 16) | (scale & 0x7ff)) + 4;
const numeric = (precision: number, scale: number) =>
  columnTypeOf({
    schema: 'pg_catalog',
    name: 'numeric',
    category: 'b',
    isArray: false,
    modifier: modifierOf(precision, scale),
  });

test.each([
  [10, 2, { kind: 'decimal', precision: 10, scale: 2 }],
  [38, 37, { kind: 'decimal', precision: 38, scale: 37 }],
  [39, 0, { kind: 'decimal-unbounded' }],
  [5, -2, { kind: 'decimal', precision: 7, scale: 0 }],
  [3, 5, { kind: 'decimal', precision: 5, scale: 5 }],
  [30, -20, { kind: 'decimal-unbounded' }],
])('numeric(%i,%i)', (precision, scale, expected) => {
  expect(numeric(precision, scale)).toEqual(expected);
});

test('numeric without precision follows its data', () => {
  expect(columnTypeOf({ schema: 'pg_catalog', name: 'numeric', category: 'b', isArray: false, modifier: -1 })).toEqual({
    kind: 'decimal-unbounded',
  });
});

test('a type that is not known travels as text', () => {
  expect(columnTypeOf({ schema: 'pg_catalog', name: 'pg_lsn', category: 'b', isArray: false, modifier: -1 })).toEqual({
    kind: 'string',
  });
});
