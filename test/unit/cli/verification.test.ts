import { exitCodeOfVerification } from '../../../src/cli/exit-codes';
import { renderVerification } from '../../../src/cli/render-verification';
import { ConnectorError } from '../../../src/common/errors';
import type { TableVerification } from '../../../src/model/verification';

const EQUAL: TableVerification = {
  key: 'public.orders',
  destinationTable: 'source_public_orders',
  outcome: 'equal',
  sample: 1,
  sourceRows: 1200,
  warehouseRows: 1200,
  seconds: 0.5,
};
const DIFFERENT: TableVerification = {
  ...EQUAL,
  key: 'public.goods',
  outcome: 'different',
  warehouseRows: 1199,
  difference: {
    groupsDifferent: 2,
    groups: 8,
    complete: true,
    onlyInSource: 1,
    onlyInWarehouse: 0,
    changed: 1,
    sinceSync: 1,
    columns: { price: 1 },
    rows: [
      {
        kind: 'changed',
        key: { id: '7' },
        values: [{ column: 'price', source: '1.5', warehouse: null }],
        sinceSync: false,
      },
      { kind: 'only_in_source', key: { id: '8' }, values: [], sinceSync: true },
    ],
  },
};
const FAILED: TableVerification = {
  ...EQUAL,
  key: 'public.locked',
  outcome: 'failed',
  error: new ConnectorError('It is locked.', { code: 'lock_timeout', kind: 'source' }),
};

it.each([
  [0, [EQUAL]],
  [6, [EQUAL, DIFFERENT, FAILED]],
  [4, [EQUAL, FAILED]],
])('exit code %d', (code, tables) => {
  expect(exitCodeOfVerification({ tables, seconds: 1 })).toBe(code);
});

it('says that all is equal, and in how many tables', () => {
  const lines = renderVerification({ tables: [EQUAL], seconds: 1.234 }, undefined);
  expect(lines.at(-1)).toBe('EQUAL: every value of 1 table is the same in source and warehouse (1.23 s)');
});

it('says of a sample that it is one', () => {
  const lines = renderVerification({ tables: [{ ...EQUAL, sample: 0.01 }], seconds: 1 }, undefined);
  expect(lines.join('\n')).toContain('equal (sample)');
  expect(lines.at(-1)).toMatch(/^EQUAL as far as the sample goes/);
});

it('names rows, columns and values that differ, and what is newer than the sync', () => {
  const lines = renderVerification({ tables: [EQUAL, DIFFERENT, FAILED], seconds: 2 }, undefined);
  expect(lines.slice(-9)).toEqual(
    [
      'public.goods: 1 changed, 1 only in the source, 0 only in the warehouse; 2 of 8 groups of keys differ.',
      '  1 row of these changed after the last sync had begun; sync again to get them.',
      '  Columns that differ: price (1 row)',
      '  id="7": changed',
      '    price: source "1.5", warehouse NULL',
      '  id="8": only in the source, after the last sync had begun',
      '',
      'public.locked: It is locked.',
      '',
      'DIFFERENT: 1 table differs, 1 table could not be compared (2.00 s)',
    ].slice(-9),
  );
});
