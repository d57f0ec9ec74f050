/**
 * Reads small tables together, many in one statement. From far away a table would otherwise take a round trip of its own,
 * and from near by a good part of its time. Each table is written and committed by itself, with the snapshot's xmin.
 *
 * The statement of a group runs when the first of its tables comes, and that of the next group while this one's tables
 * are written. A group that fails is forgotten: its tables are read one by one, so that only the one at fault fails.
 */
import { asConnectorError } from '../../common/errors';
import { waitForLocks, waitForNoLock, type Session } from '../../postgres/connection';
import { jointQuerySql, rowsOfJointQuery } from '../../postgres/read';
import { singleStatementRelation, type TableRun } from '../plan';
import type { JointReader, ProcessorOptions, ReadAtOnce } from './processor-options';
import { wholeTableQuery } from './single-statement-query';

/** Where there are fewer, their readers read them as fast. */
const FEWEST_TABLES = 8;
/** The most tables of a group, which should be a short statement: 64 tables of four columns and 10 rows take 30 ms, mostly for planning. */
const MOST_OF_GROUP = { tables: 64, columns: 640, rows: 20_000, bytes: 2 * 1024 * 1024 };
/** The most of a table, on disk: what is larger takes long enough by itself. */
const MOST_TABLE_BYTES = 128 * 1024;
const MOST_TABLE_ROWS = 1_000;
/** What a table may have as text: there it is not compressed. */
const MOST_CELL_BYTES = 256 * 1024;

interface Group {
  readonly runs: readonly TableRun[];
  /** The answers for the tables that have not come yet; undefined before the statement has begun. */
  reading: Promise<Map<TableRun, ReadAtOnce>> | undefined;
}

export class JointReading implements JointReader {
  private groups: Group[] = [];
  private readonly groupOf = new Map<TableRun, Group>();

  constructor(private readonly options: ProcessorOptions) {}

  /** The tables that will come, in their order. */
  expect(runs: readonly TableRun[]): void {
    const small = runs.filter((run) => isSmall(run, this.options.batchBytes));
    this.groups = small.length < FEWEST_TABLES ? [] : inGroups(small);
    this.groupOf.clear();
    for (const group of this.groups) for (const run of group.runs) this.groupOf.set(run, group);
  }

  /** What was read of the table; undefined where it must be read by itself. It is given away once. */
  async take(run: TableRun): Promise<ReadAtOnce | undefined> {
    const group = this.groupOf.get(run);
    if (group === undefined) return undefined;
    this.groupOf.delete(run);
    const results = await this.begun(group);
    const result = results.get(run);
    results.delete(run);
    const next = this.groups[this.groups.indexOf(group) + 1];
    if (next !== undefined && !this.options.pool.crowded) void this.begun(next);
    return result;
  }

  private begun(group: Group): Promise<Map<TableRun, ReadAtOnce>> {
    return (group.reading ??= this.read(group.runs).catch((thrown: unknown) => {
      const { logger } = this.options;
      logger.debug(`${group.runs.length} small tables are read one by one: ${asConnectorError(thrown).describe()}`);
      return new Map<TableRun, ReadAtOnce>();
    }));
  }

  private async read(runs: readonly TableRun[]): Promise<Map<TableRun, ReadAtOnce>> {
    const { manager, signal } = this.options;
    const asked = runs.flatMap((run) => {
      const relation = singleStatementRelation(run, this.options.batchBytes);
      return relation === undefined
        ? []
        : [{ run, query: wholeTableQuery(run, relation, this.options, MOST_CELL_BYTES) }];
    });
    const reads = asked.map(({ query: { relation } }) => `${relation.schema}.${relation.name}`);
    const context = { doing: `reading ${runs.length} small tables`, reads, signal };
    const session = await manager.lease(signal);
    let rows;
    try {
      await waitForNoLock(session, context);
      const sql = jointQuerySql(asked.map(({ query }) => query));
      rows = await session.query(`${sql}; ${waitForLocks(session)}`, context);
    } catch (error) {
      await this.giveBack(session);
      throw error;
    }
    await manager.release(session);
    const found = rowsOfJointQuery(rows, asked.length);
    return new Map(asked.map(({ run, query }, index) => [run, { query, row: found[index] }]));
  }

  /** After an error: what stood behind the statement was not run. */
  private async giveBack(session: Session): Promise<void> {
    const { manager } = this.options;
    try {
      await session.query(waitForLocks(session), { doing: 'going on after an error' });
      await manager.release(session);
    } catch {
      await manager.discard(session);
    }
  }
}

function isSmall(run: TableRun, batchBytes: number): boolean {
  const relation = singleStatementRelation(run, batchBytes);
  if (relation === undefined || run.selection.columns.length > MOST_OF_GROUP.columns / FEWEST_TABLES) return false;
  return relation.bytes <= MOST_TABLE_BYTES && relation.rows <= MOST_TABLE_ROWS;
}

type Size = Record<keyof typeof MOST_OF_GROUP, number>;

function inGroups(runs: readonly TableRun[]): Group[] {
  const groups: { readonly runs: TableRun[]; size: Size }[] = [];
  for (const run of runs) {
    const own = sizeOf(run);
    const last = groups.at(-1);
    const together = last === undefined ? own : added(last.size, own);
    if (last === undefined || !fits(together)) groups.push({ runs: [run], size: own });
    else {
      last.runs.push(run);
      last.size = together;
    }
  }
  return groups.map((group) => ({ runs: group.runs, reading: undefined }));
}

function sizeOf({ planned, selection }: TableRun): Size {
  const { estimatedRows, bytes } = planned.table;
  return { tables: 1, columns: selection.columns.length, rows: estimatedRows, bytes };
}

function added(a: Size, b: Size): Size {
  return {
    tables: a.tables + b.tables,
    columns: a.columns + b.columns,
    rows: a.rows + b.rows,
    bytes: a.bytes + b.bytes,
  };
}

function fits({ tables, columns, rows, bytes }: Size): boolean {
  const most = MOST_OF_GROUP;
  return tables <= most.tables && columns <= most.columns && rows <= most.rows && bytes <= most.bytes;
}
