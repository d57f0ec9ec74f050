import { anotherDatabase, isAnotherDatabase, type Origin } from '../../../src/model/origin';

const SHOP: Origin = { source: '7001/1/16384', database: 'shop', server: 'db:5432' };

test.each<[string, Partial<Origin>, boolean]>([
  ['itself', {}, false],
  ['itself at another address', { server: 'replica:5433' }, false],
  ['a standby that was promoted', { source: '7001/2/16384', server: 'replica:5432' }, false],
  ['itself under another name', { database: 'store' }, false],
  ['dropped and created again under its name', { source: '7001/1/20000' }, false],
  ['another database of the same server', { source: '7001/1/16390', database: 'crm' }, true],
  ['upgraded or restored in its place', { source: '7002/1/16384' }, false],
  ['a database of its name elsewhere', { source: '7002/1/16384', server: 'db2:5432' }, true],
  ['restored under another name', { source: '7002/1/16384', database: 'shop2' }, true],
  ['not to be identified, in its place', { source: '?/1/16384' }, false],
  ['not to be identified, elsewhere', { source: '?/1/16384', server: 'db2:5432' }, true],
])('%s', (_what, change, expected) => {
  const now = { ...SHOP, ...change };
  expect(isAnotherDatabase(SHOP, now)).toBe(expected);
  expect(isAnotherDatabase(now, SHOP)).toBe(expected);
});

test('two that cannot be identified are told apart by name and address', () => {
  const unknown = { ...SHOP, source: '?/1/?' };
  expect(isAnotherDatabase(unknown, unknown)).toBe(false);
  expect(isAnotherDatabase(unknown, { ...unknown, database: 'crm' })).toBe(true);
  expect(isAnotherDatabase(unknown, { ...unknown, server: 'db2:5432' })).toBe(true);
});

test('the refusal is one sentence that names both, and what to do', () => {
  const error = anotherDatabase(SHOP, { ...SHOP, database: 'crm', server: 'db2:5432' }, 'main');
  expect(error.describe()).toBe(
    `Schema main of the warehouse holds the tables of database shop at db:5432, and this is database crm at db2:5432. Give each database a "destination_schema" or a "warehouse_path" of its own; where one has moved or takes the other's place, run \`pgsluice sync --full-resync '*'\` once.`,
  );
});
