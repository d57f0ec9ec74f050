import { compileTableFilter } from '../../../src/config/table-filter';
import { finishes } from '../../helpers/finishes';
import fc from 'fast-check';

function included(patterns: readonly string[], table: string): boolean {
  const [schema = '', ...name] = table.split('.');
  return compileTableFilter(patterns).includes({ schema, name: name.join('.') });
}

describe('table filters', () => {
  it.each<[string, string[], string[], string[]]>([
    ['nothing: everything', [], ['public.a', 'b.c'], []],
    ['one table', ['public.orders'], ['public.orders'], ['public.orders2', 'sales.orders', 'public.Orders']],
    ['a table of any schema', ['orders'], ['public.orders', 'sales.orders'], ['public.orders_old']],
    ['a schema', ['public.*'], ['public.a', 'public.b.c'], ['private.a', 'publicx.a']],
    ['a star across the dot', ['p*s'], ['public.pants', 'x.ps'], ['public.pan']],
    ['one character', ['log_202?'], ['public.log_2024'], ['public.log_202', 'public.log_20245']],
    ['exclusions only', ['!*_old'], ['public.a'], ['public.a_old']],
    ['an exclusion before an inclusion', ['!*.b', 'public.*'], ['public.a'], ['public.b']],
    ['an exclusion after an inclusion', ['public.*', '!*.b'], ['public.a'], ['public.b']],
    ['several inclusions', ['a.*', 'c'], ['a.x', 'b.c'], ['b.d']],
    ['what other globs treat as syntax', ['public.{a,b}[c]+(d)\\e/*'], ['public.{a,b}[c]+(d)\\e/f/g'], ['public.ac']],
    ['characters beyond the first plane as one', ['t?'], ['public.t😀'], ['public.t😀😀']],
  ])('%s', (_name, patterns, inside, outside) => {
    for (const table of inside) expect([table, included(patterns, table)]).toEqual([table, true]);
    for (const table of outside) expect([table, included(patterns, table)]).toEqual([table, false]);
  });

  it('names the patterns that match nothing', () => {
    const filter = compileTableFilter(['public.*', 'ordrs', '!nothing']);
    expect(filter.unmatched([{ schema: 'public', name: 'orders' }])).toEqual(['ordrs', '!nothing']);
  });

  it('comes to an answer for a pattern that would keep a backtracking matcher busy for ever', () => {
    expect(finishes(() => included([`${'a*'.repeat(30)}b`], `s.${'a'.repeat(63)}`))).toBe(false);
    expect(finishes(() => included([`${'a*'.repeat(30)}b`], `s.${'a'.repeat(62)}b`))).toBe(true);
  });

  // A small alphabet, so that stars and repeated letters meet.
  const identifier = fc.string({ unit: fc.constantFrom('a', 'b', '.', '_'), minLength: 1, maxLength: 8 });
  const schemaName = fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 4 });
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), minLength: 1, maxLength: 8 });

  it('matches as the regular expression of the same glob does', () => {
    fc.assert(
      fc.property(glob, schemaName, identifier, (pattern, schema, name) => {
        const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
        const subject = pattern.includes('.') ? `${schema}.${name}` : name;
        const expected = new RegExp(`^${source}$`).test(subject);
        expect(compileTableFilter([pattern]).includes({ schema, name })).toBe(expected);
        expect(compileTableFilter([`!${pattern}`]).includes({ schema, name })).toBe(!expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not depend on the order of patterns', () => {
    const pattern = fc.tuple(fc.boolean(), glob).map(([negative, text]) => (negative ? `!${text}` : text));
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), schemaName, identifier, (patterns, schema, name) => {
        const table = { schema, name };
        const reversed = [...patterns].reverse();
        expect(compileTableFilter(reversed).includes(table)).toBe(compileTableFilter(patterns).includes(table));
      }),
    );
  });
});
