/**
 * Finds the tables that have not changed since their last pass, by asking about many at once. Nothing of them is read,
 * and nothing is written.
 *
 * A row that is visible now and was not at the last pass has a transaction id at or after that pass's snapshot. So
 * where there is no such row, and the number of rows is the same, the rows are the same ones. The warehouse must still
 * hold as many.
 */
import { asConnectorError, ConnectorError } from '../../common/errors';
import type { Logger } from '../../common/logger';
import type { Relation } from '../../model/table';
import {
  checkSettings,
  waitForLocks,
  waitForNoLock,
  type ConnectionManager,
  type Session,
} from '../../postgres/connection';
import { countsQuery, SNAPSHOT_XMIN } from '../../postgres/read';
import { unseenFrom, xidsComparable, type TableRun } from '../plan';
import type { Writer } from '../write';
import { changedSince, changedSinceOfFew } from './changed-since';

export interface UnchangedTablesOptions {
  readonly manager: ConnectionManager;
  readonly writer: Pick<Writer, 'countTables' | 'countsStay'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** A statement over more rows would run longer than 0.2 s. */
const MOST_BLOCKS = 4_000;
/** Statements over 50 to 100 of 1,000 small tables took least (0.13 s); over 200, planning took twice as long. */
const MOST_RELATIONS = 64;
const FEW_BLOCKS = 16;

/** Keys of the tables that are proven to be unchanged. A table that cannot be asked is not among them. */
export async function findUnchanged(
  runs: readonly TableRun[],
  options: UnchangedTablesOptions,
): Promise<ReadonlySet<string>> {
  const candidates = runs.filter(canBeAsked);
  const groups = inGroups(candidates);
  if (groups.length === 0) return new Set();
  const { manager, writer, signal } = options;
  // The warehouse counts while the server does.
  const held = writer.countTables(candidates).catch((error: unknown) => {
    // It cannot be read, which its pass will say.
    if (asConnectorError(error).ofTable) return undefined;
    throw error;
  });
  held.catch(() => undefined);
  const unchanged: TableRun[] = [];
  const session = await manager.lease(signal);
  const context = { doing: 'looking for changes', signal };
  try {
    await waitForNoLock(session, context);
    for (const group of groups) unchanged.push(...(await ask(session, group, options)));
    await session.query(waitForLocks(session), context);
  } catch (error) {
    await manager.discard(session);
    throw error;
  }
  await manager.release(session);
  // Somebody may have edited the warehouse.
  const counts = await held;
  const rowsHeld = new Map(candidates.map((run, index) => [run, counts?.[index]]));
  // The passes of tables that have changed need not count again. What could not be counted, a pass by itself explains.
  if (writer.countsStay) for (const [run, rows] of rowsHeld) if (!Number.isNaN(rows)) run.holds(rows);
  return new Set(unchanged.filter((run) => rowsHeld.get(run) === run.committed?.rows).map(({ key }) => key));
}

function canBeAsked(run: TableRun): boolean {
  const { pass, committed, planned } = run;
  const provable = pass.kind === 'by-xmin' ? pass.proof === 'count' : pass.kind === 'full-load' && pass.unlessUnchanged;
  // The log will be followed from now on, which its state must say.
  if (run.log !== null || provable !== true || committed === null || unseenFrom(committed) === null) return false;
  if (committed.mode !== run.decision.mode || committed.description !== run.description) return false;
  const { relations } = planned.table;
  const blocks = relations.reduce((sum, relation) => sum + relation.blocks, 0);
  return (
    blocks <= MOST_BLOCKS &&
    relations.every(({ rangeReadable }) => rangeReadable) &&
    relations.length === committed.relations.length
  );
}

function sinceOf({ committed }: TableRun): string | null {
  return committed === null ? null : unseenFrom(committed);
}

function inGroups(runs: readonly TableRun[]): TableRun[][] {
  const groups: TableRun[][] = [];
  let blocks = Infinity;
  let relations = 0;
  for (const run of runs) {
    const { table } = run.planned;
    // An empty relation takes its share of the statement, too.
    const size = table.relations.reduce((sum, relation) => sum + Math.max(relation.blocks, 1), 0);
    if (blocks + size > MOST_BLOCKS || relations + table.relations.length > MOST_RELATIONS) {
      groups.push([]);
      blocks = 0;
      relations = 0;
    }
    groups.at(-1)?.push(run);
    blocks += size;
    relations += table.relations.length;
  }
  return groups;
}

interface Asked {
  readonly run: TableRun;
  readonly relation: Relation;
}

/** Asks for a group in one statement; where that fails, for its halves, down to single tables. */
async function ask(
  session: Session,
  group: readonly TableRun[],
  options: UnchangedTablesOptions,
): Promise<readonly TableRun[]> {
  const asked: readonly Asked[] = group.flatMap((run) =>
    run.planned.table.relations.map((relation) => ({ run, relation })),
  );
  const sql = countsQuery(
    asked.map(({ run, relation }) => ({
      relation,
      conditions: run.selection.conditions,
      changed: (relation.blocks > FEW_BLOCKS ? changedSince : changedSinceOfFew)(sinceOf(run) ?? '0'),
    })),
    SNAPSHOT_XMIN,
  );
  let rows;
  try {
    rows = await session.query(sql, { doing: 'looking for changes', signal: options.signal });
    checkSettings(rows[0], 'looking for changes');
  } catch (error) {
    if (!(error instanceof ConnectorError) || !session.usable || options.signal.aborted) throw error;
    // Behind a pooler, another server may have answered that does not have the latest changes: that proves nothing.
    if (group.length === 1 || error.code === 'settings_lost') {
      options.logger.debug(`${group[0]?.key ?? ''} could not be asked for changes: ${error.describe()}`);
      return [];
    }
    const middle = group.length >> 1;
    return [
      ...(await ask(session, group.slice(0, middle), options)),
      ...(await ask(session, group.slice(middle), options)),
    ];
  }
  const answers = rows.map((row) => ({
    rows: Number(row['n']),
    changed: Number(row['c']),
    fileNode: String(row['f']),
    xmin: String(row['x']),
  }));
  return group.filter((run) => {
    const { committed } = run;
    const since = sinceOf(run);
    if (committed === null || since === null) return false;
    let total = 0;
    for (const [index, { run: owner, relation }] of asked.entries()) {
      if (owner !== run) continue;
      const answer = answers[index];
      if (answer === undefined || answer.changed !== 0 || !xidsComparable(since, answer.xmin)) return false;
      const known = committed.relations.find(({ oid }) => oid === relation.oid);
      if (known?.fileNode !== answer.fileNode || stateIsOld(since, answer.xmin)) return false;
      total += answer.rows;
    }
    return total === committed.rows;
  });
}

/** Transaction ids can be compared over a distance of 2^31: the state is renewed long before. */
const MAX_STATE_AGE = 2n ** 30n;

export function stateIsOld(since: string, now: string): boolean {
  return BigInt(now) - BigInt(since) >= MAX_STATE_AGE;
}
