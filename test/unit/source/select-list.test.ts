import type { ColumnSchema, SourceType } from '../../../src/model/table';
import { selectColumn } from '../../../src/source/select-list';

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
