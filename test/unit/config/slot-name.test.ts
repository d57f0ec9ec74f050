import { OPTIONS, type OptionDeclaration } from '../../../src/config/options';
import { parseOption } from '../../../src/config/option-values';
import { isSlotName, slotNameOf } from '../../../src/config/slot-name';
import { parseTableOptions } from '../../../src/config/table-options';

const AT = { slotName: undefined, warehousePath: '/data/shop.db', destinationSchema: 'tester' };

it('is the same for the same warehouse, and another for another path or schema', () => {
  const name = slotNameOf(AT);
  // Fixed for ever: another name would leave the old slot behind, which keeps the log on the source's disk.
  expect(name).toBe('pgsluice_eedb6812bb2c');
  expect(isSlotName(name)).toBe(true);
  expect(slotNameOf({ ...AT, warehousePath: '/data/shop2.db' })).not.toBe(name);
  expect(slotNameOf({ ...AT, destinationSchema: 'other' })).not.toBe(name);
  expect(slotNameOf({ ...AT, slotName: 'mine' })).toBe('mine');
});

it.each([
  ['shop_1', true],
  ['', false],
  ['Shop', false],
  ['a-b', false],
  ['ü', false],
  ['x'.repeat(63), true],
  ['x'.repeat(64), false],
])('knows a name that PostgreSQL takes: %s', (name, valid) => expect(isSlotName(name)).toBe(valid));

const option = (key: string): OptionDeclaration => {
  const found = OPTIONS.find((each) => each.key === key);
  if (found === undefined) throw new Error(key);
  return found;
};

it.each([
  [
    'slot_name',
    'My-Slot',
    'slot_name (c.json) must be 1 to 63 lower-case letters, digits and underscores, not "My-Slot".',
  ],
  [
    'publication_name',
    'p'.repeat(64),
    `publication_name (c.json) must have at most 63 bytes, as every name of PostgreSQL, not "${'p'.repeat(60)}…".`,
  ],
  ['sync_mode', 'wal', 'sync_mode (c.json) must be one of auto, full, timestamp, xmin, log, not "wal".'],
])('refuses %s %s', (key, text, problem) =>
  expect(parseOption(option(key), text, { name: 'c.json', directory: '/' })).toEqual({ problem }),
);

it('takes names that PostgreSQL takes', () => {
  const origin = { name: 'c.json', directory: '/' };
  expect(parseOption(option('slot_name'), ' shop_1 ', origin)).toEqual({ value: 'shop_1' });
  expect(parseOption(option('publication_name'), 'Ein "Name"', origin)).toEqual({ value: 'Ein "Name"' });
});

it('takes mode log for a single table', () => {
  expect(parseTableOptions('{"public.orders": {"mode": "log"}}', '/')).toEqual([['public.orders', { mode: 'log' }]]);
});
