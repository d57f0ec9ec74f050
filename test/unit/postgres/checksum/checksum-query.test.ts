/** What the server does for each row decides how long `verify` takes: no text is made twice. */
import { groupChecksumsStatement, withoutZeroSigns } from '../../../../src/postgres/checksum';
import type { SelectColumn } from '../../../../src/postgres/read';

const ID: SelectColumn = { name: 'id', type: { kind: 'int32' }, textExpression: 't."id"::text', nullable: false };
const ATTRS: SelectColumn = {
  name: 'attrs',
  type: { kind: 'json' },
  textExpression: 't."attrs"::text',
  nullable: true,
};
const SCORE: SelectColumn = {
  name: 'score',
  type: { kind: 'float64' },
  textExpression: 't."score"::text',
  nullable: true,
  binary: { kind: 'float64', reference: 't."score"', expression: 'pg_catalog.float8send(t."score")' },
};

function statement(columns: readonly SelectColumn[], readsBytesAsNumbers = true): string {
  const relation = { schema: 'public', name: 'orders' };
  const query = { relation, columns, key: [ID], conditions: [], encoding: 'UTF8' as const, readsBytesAsNumbers };
  return groupChecksumsStatement(query, { lo: 0, hi: Infinity }, 8).direct();
}

function times(text: string, part: string): number {
  return text.split(part).length - 1;
}

test('the text of a value is made once, for its length, the hash and the group', () => {
  const sql = statement([ID, ATTRS]);
  expect(times(sql, ATTRS.textExpression)).toBe(1);
  expect(times(sql, ID.textExpression)).toBe(1);
});

test('a float of the table is not written as text first', () => {
  expect(times(statement([ID, SCORE]), SCORE.textExpression)).toBe(0);
});

test('where a copy cannot keep the sign of 0, the float is what was made of it', () => {
  const sql = statement([ID, ...withoutZeroSigns([SCORE])]);
  expect(sql).toContain(`((${SCORE.textExpression})::float8 + 0)`);
  expect(sql).not.toContain('float8send(t."score")');
});

test('a hash is read as bytes by servers that cast bytes to integers, as bits by older ones', () => {
  expect(statement([ID])).toContain('substring(h from 1 for 8)::int8');
  expect(statement([ID])).not.toContain('::bit(128)');
  expect(statement([ID], false)).toContain('substring(h from 1 for 64)::int8');
  expect(statement([ID], false)).toContain('::bit(128)');
});
