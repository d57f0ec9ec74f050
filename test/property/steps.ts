/** What happens between the first sync and the last: statements, transactions that end late, syncs, and comparisons of keys. */
import * as fc from 'fast-check';
import type { Client } from 'pg';
import type { TestDatabase } from '../helpers/postgres';

export type Step =
  | { readonly kind: 'statement'; readonly which: number; readonly n: number }
  /** A transaction that goes on over the next sync. */
  | { readonly kind: 'late'; readonly n: number }
  | { readonly kind: 'sync' }
  /** `pgsluice reconcile`, which reads no rows. */
  | { readonly kind: 'keys' };

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
    { weight: 1, arbitrary: fc.constant({ kind: 'keys' as const }) },
  );
}

/**
 * Keys of rows that only transactions which end late change, one each: no statement may wait for such a transaction.
 * Statements choose positive keys, or by divisors up to 44, and no such number divides one of these.
 */
export const LATE_IDS = [-149, -151, -157, -163, -167, -173, -179, -181, -191, -193, -197, -199] as const;

/** Transactions on table t that go on over a sync, and then are committed or rolled back. */
export class LateTransactions {
  private readonly open: { readonly client: Client; readonly end: string }[] = [];

  /** `insertion`: SQL that inserts a row of that key. `prepares`: some of them are prepared. */
  constructor(
    private readonly database: TestDatabase,
    private readonly insertion: (id: number) => string,
    private readonly prepares = false,
  ) {}

  get count(): number {
    return this.open.length;
  }

  /** `n` chooses what it does, and how it ends. */
  async begin(n: number): Promise<void> {
    const id = LATE_IDS[this.open.length];
    if (id === undefined) return;
    const changes = [
      this.insertion(700_000 + this.open.length * 100 + n),
      `UPDATE t SET v = 'late' WHERE id = ${id}`,
      `DELETE FROM t WHERE id = ${id}`,
    ];
    const client = await this.database.connect();
    const end = n % 5 === 4 ? 'ROLLBACK' : 'COMMIT';
    const prepared = this.prepares && n % 4 === 3;
    await client.query(`BEGIN; SAVEPOINT a; ${changes[n % changes.length]}; RELEASE a`);
    if (prepared) await client.query(`PREPARE TRANSACTION 'late ${id}'`);
    this.open.push({ client, end: prepared ? `${end} PREPARED 'late ${id}'` : end });
  }

  async end(): Promise<void> {
    for (const { client, end } of this.open.splice(0)) {
      await client.query(end);
      await client.end();
    }
  }
}
