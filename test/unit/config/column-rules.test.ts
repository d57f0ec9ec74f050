import { compileColumnRules, idleRules, parseColumnRules } from '../../../src/config/column-rules';
import { ConnectorError } from '../../../src/common/errors';

const TABLE = { schema: 'public', name: 'people' };

function problem(text: string): string {
  try {
    parseColumnRules(text, '/');
  } catch (error) {
    return (error as ConnectorError).describe();
  }
  throw new Error('The rules were accepted.');
}

function ruleOf(rules: Readonly<Record<string, string>>, column: string): string | undefined {
  return compileColumnRules(parseColumnRules(JSON.stringify(rules), '/')).of(TABLE, column)?.action.kind;
}

it('takes every action, whatever its case', () => {
  const rules = parseColumnRules(
    '{"a": "keep", "b": "EXCLUDE", "c": "hash", "d": "null", "e": "mask", "f": "mask:email", "g": "Mask:Phone", "h": "mask:last:12"}',
    '/',
  );
  expect(rules.map(({ action }) => action)).toEqual([
    ...['keep', 'exclude', 'hash', 'null'].map((kind) => ({ kind })),
    { kind: 'mask', form: 'all' },
    { kind: 'mask', form: 'email' },
    { kind: 'mask', form: 'phone' },
    { kind: 'mask', form: 'last', shown: 12 },
  ]);
});

it.each([
  ['{"a": "hsah"}', /has "hsah" for "a" \(did you mean "hash"\?\); it must be one of keep, exclude/],
  ['{"a": "mask:last:0"}', /has "mask:last:0" for "a"/],
  ['{"a": "mask:last:101"}', /has "mask:last:101" for "a"/],
  ['{"a": 1}', /has 1 for "a"; it must be/],
  ['{" ": "hash"}', /has a rule without a column/],
  ['{"a": ', /is neither JSON nor the path of a file with JSON/],
  ['/nowhere.json', /names \/nowhere\.json, which cannot be read/],
])('says what is wrong with %s', (text, sentence) => {
  expect(problem(text)).toMatch(sentence);
});

it('matches the column, the table and the column, or all three, and the last rule counts', () => {
  expect(ruleOf({ email: 'hash' }, 'email')).toBe('hash');
  expect(ruleOf({ '*mail': 'hash' }, 'email')).toBe('hash');
  expect(ruleOf({ 'people.email': 'hash' }, 'email')).toBe('hash');
  expect(ruleOf({ 'public.people.e?ail': 'hash' }, 'email')).toBe('hash');
  expect(ruleOf({ '*.*.email': 'hash' }, 'email')).toBe('hash');
  expect(ruleOf({ 'other.people.email': 'hash' }, 'email')).toBeUndefined();
  expect(ruleOf({ 'public.email': 'hash' }, 'email')).toBeUndefined();
  expect(ruleOf({ email: 'hash', '*.email': 'exclude' }, 'email')).toBe('exclude');
  expect(ruleOf({ '*.email': 'exclude', email: 'hash' }, 'email')).toBe('hash');
});

it('names rules that change nothing', () => {
  const rules = parseColumnRules('{"emial": "hash", "people.name": "mask", "name": "keep"}', '/');
  const said = idleRules(rules, [
    { table: TABLE, column: 'email' },
    { table: TABLE, column: 'name' },
  ]);
  expect(said).toEqual([
    'The rule "emial": "hash" of "columns" names no column; did you mean email?',
    expect.stringContaining('"people.name": "mask" of "columns" has no effect') as string,
  ]);
});
