/** What the platform is told of a table, and when. */
import { SchemaMemory } from '../../../src/fivetran/schema-memory';
import { parseState } from '../../../src/fivetran/state-json';

const TABLE = { schema: 'public', name: 't', columns: [] } as unknown as Parameters<SchemaMemory['isNews']>[1];

test('on the first sync, Schema has just described all tables', () => {
  expect(new SchemaMemory(parseState('{}')).isNews('public.t', TABLE)).toBe(false);
});

test('a stream that was cut before it described a table is no first sync: its columns may have changed since', () => {
  const cut = JSON.stringify({ version: 1, tables: {}, with_schema: false, described: {}, widened: {} });
  expect(new SchemaMemory(parseState(cut)).isNews('public.t', TABLE)).toBe(true);
});
