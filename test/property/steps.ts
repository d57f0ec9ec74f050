/** What happens between the first sync and the last: statements, transactions that end late, and syncs. */
import * as fc from 'fast-check';

export type Step =
  | { readonly kind: 'statement'; readonly which: number; readonly n: number }
  /** A transaction that goes on over the next sync. */
  | { readonly kind: 'late'; readonly n: number }
  | { readonly kind: 'sync' };

/** One of so many statements, with a number to fill in; `syncs`: weight of a sync, where statements have 6. */
export function stepOf(statements: number, syncs: number): fc.Arbitrary<Step> {
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('statement' as const),
        which: fc.nat(statements - 1),
        n: fc.nat(40),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('late' as const), n: fc.nat(40) }) },
    { weight: syncs, arbitrary: fc.constant({ kind: 'sync' as const }) },
  );
}
