/**
 * Finds out whether a table still has every key that was sent of it, when a later sync resumes a load.
 *
 * A load under several snapshots ends with a comparison of keys, but only where the destination knows which keys it was
 * sent. Where an earlier sync sent them, rows that have gone since cannot be named. So a load keeps the number of keys
 * of its snapshot and the sum of their hashes. The next snapshot has lost none of them if it has the same keys, or if
 * its rows of older transactions have: then rows were only updated, or only added. Where both happened the answer is
 * unknown, and the table is read from the start.
 */
import type { KeyMark, LoadProgress } from '../../model/sync-state';
import { ROW_ALIAS } from '../../postgres/read';
import { type Session, quoteIdentifier, quoteQualified } from '../../postgres/connection';
import { changedSince } from './changed-since';
import type { TableRun } from '../plan';

/** Hashing the keys of a large table takes one more scan of it, which may take as long as the load. */
export function remembersKeys(run: TableRun, comparesKeys: boolean): boolean {
  return !comparesKeys && run.resumable && run.planned.category === 'small' && run.planned.table.relations.length > 0;
}

export interface KeptKeys {
  /** undefined: the load has not kept its keys. */
  readonly kept: boolean | undefined;
  /** The keys of the present snapshot. */
  readonly now: KeyMark | null | undefined;
}

/** Compares under the session's snapshot. */
export async function compareKeys(
  session: Session,
  run: TableRun,
  { keys }: LoadProgress,
  xmin: string,
  signal: AbortSignal,
): Promise<KeptKeys> {
  if (keys === undefined || keys === null) return { kept: keys === null ? false : undefined, now: keys };
  const [all, older] = await marks(session, run, xmin, keys.xmin, signal);
  if (equal(all, keys)) return { kept: true, now: keys };
  return equal(older, keys) ? { kept: true, now: all } : { kept: false, now: null };
}

/** The keys that the session's snapshot shows. */
export async function markKeys(session: Session, run: TableRun, xmin: string, signal: AbortSignal): Promise<KeyMark> {
  const [all] = await marks(session, run, xmin, undefined, signal);
  return all;
}

function equal(one: KeyMark, other: KeyMark): boolean {
  return one.rows === other.rows && one.hash === other.hash;
}

async function marks(
  session: Session,
  run: TableRun,
  xmin: string,
  since: string | undefined,
  signal: AbortSignal,
): Promise<readonly [all: KeyMark, older: KeyMark]> {
  const { relations, primaryKey } = run.planned.table;
  const key = primaryKey.map((column) => keyValue(run, column)).join(', ');
  const older = since === undefined ? 'true' : `NOT (${changedSince(since)})`;
  const rows = relations.map(
    ({ schema, name }) =>
      `SELECT hashtextextended(ROW(${key})::text, 0) AS h, ${older} AS older FROM ONLY ${quoteQualified(schema, name)} AS ${ROW_ALIAS}`,
  );
  const [row] = await session.query(
    `SELECT count(*)::text AS all_rows, coalesce(sum(h), 0)::text AS all_hash, count(*) FILTER (WHERE older)::text AS older_rows, ` +
      `coalesce(sum(h) FILTER (WHERE older), 0)::text AS older_hash FROM (${rows.join(' UNION ALL ')}) AS k`,
    { doing: `counting the keys of ${run.key}`, signal },
  );
  const mark = (which: 'all' | 'older'): KeyMark => ({
    xmin,
    rows: Number(row?.[`${which}_rows`]),
    hash: String(row?.[`${which}_hash`]),
  });
  return [mark('all'), mark('older')];
}

/** A hash without a key would tell what a column of few values holds: under a rule it is made of what is read. */
function keyValue({ planned, selection }: TableRun, name: string): string {
  const underRule = planned.table.columns.some((column) => column.name === name && column.policy !== undefined);
  const read = underRule ? selection.columns.find((column) => column.name === name) : undefined;
  return read === undefined ? `${ROW_ALIAS}.${quoteIdentifier(name)}` : `(${read.textExpression})`;
}
