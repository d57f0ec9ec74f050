/** Estimates how long a sync will take, from how long the last ones took. */
import type { RunRecord, TableRecord } from '../../model/run-record';
import type { TableDetails } from './table-details';

type Unestimated = Omit<TableDetails, 'estimatedSeconds'>;

/** Below this, a table's time is the time of its statements and commits, whatever its rows. */
const LEAST_SECONDS = 0.01;
/** A pass that wrote fewer of a table's rows than this share was one over changes. */
const CHANGES_SHARE = 0.5;

/**
 * A table that was read before is estimated by its own rate, another table by the rate of all; null without a history.
 */
export function estimateTables(tables: readonly Unestimated[], history: readonly RunRecord[]): readonly TableDetails[] {
  const good = history.flatMap((run) => run.tables).filter((table) => table.error === null && table.seconds > 0);
  const overall = rateOf(good.filter((table) => table.rows > 0));
  return tables.map((table): TableDetails => {
    const own = good.filter(({ key }) => key === table.table);
    return { ...table, estimatedSeconds: estimate(table, own, overall) };
  });
}

function estimate(table: Unestimated, own: readonly TableRecord[], overall: number | undefined): number | null {
  const wasLoad = ({ rows }: TableRecord): boolean => rows >= table.estimatedRows * CHANGES_SHARE;
  if (table.pass === 'changes' || table.pass === 'keys') {
    // Future changes are unknown, so the time of earlier such passes is taken.
    const passes = own.filter((record) => !wasLoad(record));
    const [last] = passes;
    return last === undefined ? null : passes.reduce((sum, { seconds }) => sum + seconds, 0) / passes.length;
  }
  const rate = rateOf(own.filter((record) => record.rows > 0 && wasLoad(record))) ?? overall;
  return rate === undefined ? null : Math.max(LEAST_SECONDS, table.estimatedRows / rate);
}

/** Rows per second of a table's own time. */
function rateOf(records: readonly TableRecord[]): number | undefined {
  const sum = (of: (record: TableRecord) => number): number => records.reduce((total, record) => total + of(record), 0);
  return records.length === 0 ? undefined : sum(({ rows }) => rows) / sum(({ seconds }) => seconds);
}

/** Tables overlap: the sum of their times, divided by how much they overlapped in the last runs. */
export function estimateRun(tables: readonly TableDetails[], history: readonly RunRecord[]): number | null {
  const known = tables.flatMap(({ estimatedSeconds }) => (estimatedSeconds === null ? [] : [estimatedSeconds]));
  if (known.length === 0) return null;
  const complete = history.filter(
    ({ outcome, seconds }) => seconds > 0 && outcome !== 'failed' && outcome !== 'interrupted',
  );
  const spent = complete.reduce((total, run) => total + run.tables.reduce((sum, { seconds }) => sum + seconds, 0), 0);
  const elapsed = complete.reduce((total, { seconds }) => total + seconds, 0);
  const overlap = elapsed > 0 ? Math.max(1, spent / elapsed) : 1;
  // However much the tables overlap, the longest one takes its time.
  return Math.max(known.reduce((sum, seconds) => sum + seconds, 0) / overlap, ...known);
}
