/** What the log can be asked about in a sync, of what the server says of slot, publication and tables. */
import { plural } from '../common/counted';
import { tableKey, type TableSchema } from '../model/table';
import {
  coverageDigest,
  partsOfTable,
  readingObstacles,
  whyNotCovered,
  type LogFacts,
  type LogNames,
} from '../postgres/log';
import type { LoggedAs, LogOutlook } from '../engine/plan';

export interface LogPlan {
  /** Without what the destination knows of it; undefined: the log cannot be read. */
  readonly outlook: Omit<LogOutlook, 'reached'> | undefined;
  /** By oid: why the log is not asked about the table, as a phrase. */
  readonly gaps: ReadonlyMap<number, string>;
  /** Sentences about why it cannot be read at all. */
  readonly obstacles: readonly string[];
}

/** `followed`: whether the destination remembers a position. */
export function planLog(facts: LogFacts, names: LogNames, tables: readonly TableSchema[], followed: boolean): LogPlan {
  // Who is reading a slot may have ended before we come to it.
  const obstacles = readingObstacles(facts, names)
    .filter(({ code }) => code !== 'slot_in_use')
    .map(({ message, remedy }) => `${message} ${remedy}`);
  const { slot } = facts;
  const confirmed = slot?.confirmedFlushLsn ?? null;
  if (!followed || obstacles.length > 0 || slot === null || confirmed === null) {
    const why = followed ? 'its log cannot be read' : 'the destination remembers no position in the log';
    return { outlook: undefined, gaps: new Map(tables.map(({ oid }) => [oid, why])), obstacles };
  }
  const gaps = new Map<number, string>();
  const logged = new Map<number, LoggedAs>();
  for (const table of tables) {
    const gap = whyNotCovered(table, facts)?.reason;
    if (gap === undefined) logged.set(table.oid, loggedAs(table, facts));
    else gaps.set(table.oid, gap);
  }
  const { retainedBytes } = slot;
  const { xmin } = facts.server;
  return { outlook: { ...names, confirmed, xmin, retainedBytes: retainedBytes ?? 0, tables: logged }, gaps, obstacles };
}

function loggedAs(table: TableSchema, facts: LogFacts): LoggedAs {
  const parts = partsOfTable(table, facts.identities);
  return {
    identity: coverageDigest(table, facts),
    oids: [...new Set([table.oid, ...parts.map(({ oid }) => oid)])],
    wholeRows: parts.some(({ identity }) => identity === 'f'),
  };
}

/** Why tables of mode log are read in another way, a sentence each, of a few of them. */
export function describeGaps(tables: readonly TableSchema[], gaps: ReadonlyMap<number, string>): readonly string[] {
  const concerned = tables.filter(({ oid }) => gaps.has(oid));
  const told = concerned
    .slice(0, MOST_TOLD)
    .map((table) => `${tableKey(table)} is not followed in the log: ${gaps.get(table.oid) ?? ''}.`);
  const more = concerned.length - told.length;
  return more > 0
    ? [...told, `So it is with ${more} more ${plural(more, 'table')}; \`pgsluice plan\` says why.`]
    : told;
}

const MOST_TOLD = 5;
