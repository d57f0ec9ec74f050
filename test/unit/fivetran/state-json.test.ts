import { parseState } from '../../../src/fivetran/state-json';
import { SchemaMemory } from '../../../src/fivetran/schema-memory';
import { loadProgress, tableState } from '../../helpers/table-state';

const ENTRY = tableState({ mode: 'xmin', load: loadProgress({ rows: 1 }) });

it('reads the states of earlier versions, which know less', () => {
  const { states, described, widened, withSchema } = parseState(
    JSON.stringify({
      version: 1,
      last_updated_at: 'x',
      tables: { 'public.t': ENTRY },
      described: { 'public.t': 'ab' },
    }),
  );
  expect(states.get('public.t')).toEqual(ENTRY);
  expect([...described]).toEqual([['public.t', 'ab']]);
  expect([...widened]).toEqual([]);
  expect(withSchema).toBeUndefined();
});

it('reads what this version writes', () => {
  const memory = new SchemaMemory({ described: new Map([['public.t', 'ab']]), widened: new Map(), withSchema: false });
  memory.widen('public.t', ['n']);
  expect(memory.doubt('public.t')).toBe(true);
  expect(memory.doubt('public.t')).toBe(false);
  const entry = {
    ...ENTRY,
    shape: { ...ENTRY.shape, left: ['v'] },
    load: { ...ENTRY.load, keys: { xmin: '8', rows: 3, hash: '-12' } },
  };
  const state = parseState(
    JSON.stringify({ version: 1, tables: { 'public.t': entry }, with_schema: true, ...memory.document() }),
  );
  expect(state.states.get('public.t')).toEqual(entry);
  expect([...state.described]).toEqual([['public.t', '']]);
  expect([...state.widened]).toEqual([['public.t', ['n']]]);
  expect(state.withSchema).toBe(true);
});
