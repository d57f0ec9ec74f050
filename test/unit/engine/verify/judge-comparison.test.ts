import { judgeComparison, type NewerRows, type TableComparison } from '../../../../src/engine/verify';

const DIFFERENCE = {
  groupsDifferent: 1,
  groups: 4,
  complete: true,
  onlyInSource: 0,
  onlyInWarehouse: 0,
  changed: 0,
  sinceSync: 0,
  columns: {},
  rows: [],
};

function verdict(
  change: Partial<typeof DIFFERENCE>,
  newer: NewerRows,
  counts: Partial<Pick<TableComparison, 'sourceRows' | 'warehouseRows'>> = {},
): string {
  const difference = { ...DIFFERENCE, ...change };
  const comparison = {
    outcome: 'different',
    sourceRows: 10,
    warehouseRows: 10,
    sample: 1,
    difference,
    ...counts,
  } as const;
  return judgeComparison(comparison, newer, 10);
}

test.each([
  ['an older row with other values', { changed: 2, sinceSync: 1 }, 'differs'],
  ['an older row that the warehouse lacks', { onlyInSource: 1 }, 'differs'],
  ['newer rows', { changed: 2, onlyInSource: 1, sinceSync: 3 }, 'proven'],
  ['a row deleted since', { onlyInWarehouse: 1 }, 'proven'],
  ['newer rows among those that were looked at', { changed: 5, sinceSync: 5, complete: false }, 'unclear'],
] as const)('%s: %#', (_name, change, expected) => {
  expect(verdict(change, 'by row')).toBe(expected);
});

it('sees by the count that somebody added or removed rows', () => {
  expect(verdict({ onlyInWarehouse: 1 }, 'by row', { warehouseRows: 11 })).toBe('differs');
});

it('trusts a difference without the age of its rows only where nothing was written', () => {
  expect(verdict({ changed: 1 }, 0)).toBe('differs');
  expect(verdict({ changed: 1 }, 3)).toBe('unclear');
  expect(verdict({ onlyInWarehouse: 1 }, 0, { sourceRows: 9 })).toBe('unclear');
  expect(verdict({ changed: 1 }, undefined)).toBe('unclear');
});

it('knows tables that are equal, and those that cannot be compared row by row', () => {
  const table = { sourceRows: 1, warehouseRows: 1, sample: 1 };
  expect(judgeComparison({ ...table, outcome: 'equal' }, undefined, 1)).toBe('proven');
  expect(judgeComparison({ ...table, outcome: 'different', problem: 'It is gone.' }, undefined, 1)).toBe('differs');
});
