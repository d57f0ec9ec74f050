import type { ColumnSchema, SourceType } from '../../../../src/model/table';
import { selectColumn, type SelectColumn } from '../../../../src/postgres/read/select-list';

const JSONB: SourceType = { schema: 'pg_catalog', name: 'jsonb', category: 'b', isArray: false } as SourceType;

function isJson(type: Partial<SourceType>): boolean | undefined {
  const column = { name: 'c', type: { kind: 'json' }, sourceType: { ...JSONB, ...type }, nullable: true };
  return selectColumn(column as ColumnSchema, false).isJson;
}

// json may hold half of a surrogate pair, and the others are cast to it by functions that anybody may have written.
test('only jsonb is known to be JSON', () => {
  expect(isJson({})).toBe(true);
  for (const other of [{ name: 'json' }, { schema: 'public' }, { isArray: true }, { category: 'c' }, { name: 'text' }])
    expect(isJson(other)).toBe(false);
});

/** For a column of this type of PostgreSQL, which becomes a column of that kind. */
function select(name: string, kind: string, type: Partial<SourceType> = {}): SelectColumn {
  const sourceType = { ...JSONB, name, ...type };
  return selectColumn({ name: 'c', type: { kind }, sourceType, nullable: true } as ColumnSchema, false);
}

test('what may travel as digits: where the column has the type whose bytes they are', () => {
  const kinds = [
    ['int2', 'int16'],
    ['int4', 'int32'],
    ['int8', 'int64'],
    ['date', 'date'],
    ['timestamp', 'timestamp'],
    ['timestamptz', 'timestamptz'],
    ['float4', 'float32'],
    ['float8', 'float64'],
  ] as const;
  for (const [name, kind] of kinds) expect(select(name, kind).binary?.kind).toBe(kind);
  // As type_mode python has them.
  for (const [name, kind] of [
    ['timestamptz', 'timestamp'],
    ['float8', 'float32'],
    ['date', 'string'],
    ['oid', 'int64'],
  ] as const)
    expect(select(name, kind).binary).toBeUndefined();
  for (const other of [{ schema: 'public' }, { isArray: true }, { category: 'r' }])
    expect(select('date', 'date', other).binary).toBeUndefined();
});

test('only booleans have a faster text, and only as booleans', () => {
  expect(select('bool', 'boolean').fasterText).toContain('WHEN NOT t."c" THEN \'false\'');
  expect(select('bool', 'string').fasterText).toBeUndefined();
  expect(select('int4', 'int32').fasterText).toBeUndefined();
});
