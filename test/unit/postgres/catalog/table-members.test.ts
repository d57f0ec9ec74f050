import {
  descendants,
  NO_HYPERTABLES,
  rangesThroughRoot,
  throughRoot,
  whyThroughRoot,
  type MemberFacts,
} from '../../../../src/postgres/catalog/table-members';

function member(oid: number, change: Partial<MemberFacts> = {}): MemberFacts {
  return {
    oid,
    schema: 'public',
    schemaUsage: true,
    selectable: true,
    rowSecurity: false,
    virtualColumns: null,
    ...change,
  };
}

const relation = (oid: number, blocks: number, rangeReadable = true) => ({
  ...{ oid, schema: 'public', name: `t${oid}`, blocks, rangeReadable },
  ...{ rows: 10 * blocks, bytes: 8192 * blocks },
});

describe('why a table is read through its root', () => {
  test.each([
    ['parts that anybody may read', undefined, member(1), [member(2), member(3)], 2],
    ['no parts, with policies', undefined, member(1, { rowSecurity: true }), [], 0],
    ['policies of the root', 'row-security', member(1, { rowSecurity: true }), [member(2)], 1],
    ['policies of a part', 'row-security', member(1), [member(2), member(3, { rowSecurity: true })], 2],
    ['a part without SELECT', 'privileges', member(1), [member(2, { selectable: false })], 1],
    ['a part in a schema without USAGE', 'privileges', member(1), [member(2, { schemaUsage: false })], 1],
    ['a part that the catalog does not describe', 'unknown-child', member(1), [member(2)], 2],
    ['a chunk by its schema', 'hypertable', member(1), [member(2, { schema: '_timescaledb_internal' })], 1],
    [
      'another expression of a virtual column',
      'virtual-column',
      member(1, { virtualColumns: { v: '(a * 2)' } }),
      [member(2, { virtualColumns: { v: '(a * 2)' } }), member(3, { virtualColumns: { v: '(a * 3)' } })],
      2,
    ],
    [
      'a virtual column that only a child has',
      undefined,
      member(1),
      [member(2, { virtualColumns: { own: '(a * 3)' } })],
      1,
    ],
  ] as const)('%s', (_, why, root, members, expected) => {
    expect(whyThroughRoot(root, members, expected, NO_HYPERTABLES)).toBe(why);
  });

  it('a hypertable without a chunk, or with chunks in a schema of any name', () => {
    const hypertable = { roots: new Set([1]), chunks: new Set<number>() };
    expect(whyThroughRoot(member(1), [], 0, hypertable)).toBe('hypertable');
    const chunk = { roots: new Set<number>(), chunks: new Set([2]) };
    expect(whyThroughRoot(member(1), [member(2)], 1, chunk)).toBe('hypertable');
  });
});

it('descendants are found once, however many ways lead to them', () => {
  const of = descendants([
    { child: 2, parent: 1 },
    { child: 3, parent: 1 },
    { child: 4, parent: 2 },
    { child: 4, parent: 3 },
  ]);
  expect([...of(1)].sort()).toEqual([2, 3, 4]);
  expect(of(4)).toEqual([]);
});

it('the root has the size of all parts, and as many blocks to range over as the largest of them', () => {
  const root = { oid: 1, schema: 'public', name: 't' };
  const parts = [relation(2, 10), relation(3, 30)];
  expect(throughRoot(root, parts)).toMatchObject({ rows: 400, blocks: 40, rangeReadable: false });
  expect(rangesThroughRoot(root, parts)).toMatchObject({ rows: 400, blocks: 30, rangeReadable: true });
  expect(rangesThroughRoot(root, [...parts, relation(4, 0, false)])).toMatchObject({ rangeReadable: false });
});
