/**
 * Reads the batches of a range of one relation: it sizes and checks them, and makes them smaller where they do not fit.
 */
import { ConnectorError } from '../../common/errors';
import type { PackedBatch, PackedColumn } from '../../model/packed-batch';
import type { Relation } from '../../model/table';
import { POSITIONS_PER_BLOCK, type TidRange } from '../../model/tid-range';
import type { BatchSizer } from './batch-sizer';
import { isTooLarge, type Session } from '../connection';
import { packedRangeStatement, unpackResult, type PackedQuery } from './packed-query';
import type { SelectColumn } from './select-list';
import { keepServerMemory } from './server-memory';
import { recover } from './snapshot';

export interface RangeRead {
  readonly relation: Relation;
  readonly columns: readonly SelectColumn[];
  readonly conditions: readonly string[];
  /** See PackedQuery. */
  readonly changedOnly?: readonly string[] | undefined;
  /** A row may be asked for by its place: with row-level security the server would not look there only. */
  readonly byPlace?: boolean;
  /** See PackedQuery. */
  readonly allOf?: SelectColumn | undefined;
  readonly range: TidRange;
  readonly sizer: BatchSizer;
  readonly batchBytes: number;
  /** Asked before each batch, since pressure changes it. */
  readonly batchRows: () => number;
  /** Whether columns may travel as digits (model/binary-values), asked before each batch; missing: no. */
  readonly binary?: () => boolean;
  readonly signal: AbortSignal | undefined;
}

export interface RangeBatch {
  readonly batch: PackedBatch;
  /** The range that the batch covers; those of all batches are the whole range, without gap or overlap. */
  readonly range: TidRange;
  /** Rows of the range, changed or not; undefined unless `changedOnly` is given. */
  readonly total: number | undefined;
  /** See PackedQuery's `allOf`. */
  readonly all: PackedColumn | undefined;
}

/** A batch over its budget by more than this is read again in smaller pieces, to keep memory flat. */
const BYTES_TOLERANCE = 4;
/** Where more of the rows changed than that, reading them by their places takes longer than a second scan. */
const MANY_CHANGED = 0.25;
/** The largest cell that is requested: the odbc package does not take cells of any size. */
const MAX_CELL_BYTES = 500_000_000;

export async function* readRange(session: Session, read: RangeRead): AsyncGenerator<RangeBatch, void, void> {
  let rest = read.range;
  // The longest range that did not fail. After one that was too large, ranges grow again from there.
  let widest = Infinity;
  while (rest.lo < rest.hi) {
    const wanted = read.sizer.next(rest, read.batchRows());
    const range = { lo: wanted.lo, hi: Math.min(wanted.hi, wanted.lo + widest) };
    const startedMs = performance.now();
    const once = await readOnce(session, read, range, read.sizer.longestCellBytes);
    if (once === undefined) {
      widest = Math.max(1, Math.floor((Math.min(range.hi, range.lo + 2 ** 43) - range.lo) / 2));
      continue;
    }
    const { batch, total, all } = once;
    widest *= 2;
    const serverMs = performance.now() - startedMs - session.roundTripMs;
    read.sizer.observe(range, batch.rowCount, batch.bytes, serverMs);
    read.sizer.longestCellBytes = longestCellBytes(batch);
    if (total !== undefined) read.sizer.manyChanged = batch.rowCount > total * MANY_CHANGED;
    await keepServerMemory(session, batch.bytes, read.signal);
    yield { batch, range, total, all };
    rest = { lo: range.hi, hi: rest.hi };
  }
}

/** undefined: the batch is too large, and must be tried with a smaller range. */
async function readOnce(
  session: Session,
  read: RangeRead,
  range: TidRange,
  longestValueBytes: number,
  oneRow = range.hi - range.lo <= 1,
): Promise<Omit<RangeBatch, 'range'> | undefined> {
  const reads = `${read.relation.schema}.${read.relation.name}`;
  const doing = `reading ${reads}`;
  const columns = read.columns.map((column) => (read.sizer.asText.has(column.name) ? asText(column) : column));
  for (const packing of [read.binary?.() === true ? 'binary' : 'plain', 'escaped'] as const) {
    const query: PackedQuery = {
      relation: read.relation,
      columns,
      conditions: read.conditions,
      ...(read.changedOnly === undefined ? {} : { changedOnly: read.changedOnly }),
      placesFirst: read.byPlace === true && !read.sizer.manyChanged,
      ...(read.allOf === undefined ? {} : { allOf: read.allOf }),
      range,
      packing,
      maxBytes: oneRow ? MAX_CELL_BYTES : Math.min(read.batchBytes * BYTES_TOLERANCE, MAX_CELL_BYTES),
    };
    let row;
    try {
      const statement = packedRangeStatement(query, isPart(range, read.relation));
      const context = { doing, reads, signal: read.signal, longestValueBytes };
      [row] = isCheaperToPlan(longestValueBytes, query)
        ? await session.query(statement.direct(), context)
        : await session.queryRepeated(statement, context);
    } catch (error) {
      if (!(error instanceof ConnectorError) || !session.usable || read.signal?.aborted === true) throw error;
      // A statement_timeout may also be avoided by asking for less.
      if (!isTooLarge(error) && error.sqlState !== '57014') throw error;
      await recover(session, read.signal);
      // A cancelled statement over a single row says nothing about the row's size.
      if (oneRow) throw isTooLarge(error) ? rowTooLarge(read, range, error) : error;
      return undefined;
    }
    const result = unpackResult(row, query, doing);
    if (result.outcome === 'batch') {
      for (const name of result.sparse) read.sizer.asText.add(name);
      return { batch: result.batch, total: result.total, all: result.all };
    }
    if (result.outcome === 'too-large') {
      if (oneRow) throw rowTooLarge(read, range, undefined, result.bytes);
      if (result.rows === 1) return await readOnce(session, read, range, result.bytes, true);
      read.sizer.observe(range, result.rows, result.bytes);
      return undefined;
    }
  }
  throw new ConnectorError(`The escaped encoding of a batch was still ambiguous (while ${doing}).`, {
    code: 'damaged_batch',
    kind: 'source',
  });
}

function asText({ binary: _, ...column }: SelectColumn): SelectColumn {
  return column;
}

/**
 * The result of an EXECUTE is gathered in a tuplestore before any of it is sent, which takes 1 ms a megabyte; planning
 * takes about 0.05 ms a column.
 */
function isCheaperToPlan(longestValueBytes: number, { columns }: PackedQuery): boolean {
  return longestValueBytes > columns.length * 50_000;
}

/** An estimate: only the bytes of all cells together are known. */
function longestCellBytes({ columns, bytes }: PackedBatch): number {
  const units = columns.map(({ text }) => text.length);
  const all = units.reduce((sum, length) => sum + length, 0);
  return all === 0 ? 0 : (Math.max(...units) / all) * bytes;
}

/** Whether the relation has more rows than that. */
function isPart(range: TidRange, { blocks }: Relation): boolean {
  return range.lo > 0 || range.hi < blocks * POSITIONS_PER_BLOCK;
}

function rowTooLarge(read: RangeRead, range: TidRange, cause: unknown, bytes?: number): ConnectorError {
  const size =
    bytes === undefined
      ? 'cannot be read in one statement'
      : `has ${Math.ceil(bytes / 1_000_000)} MB as text, more than the ${MAX_CELL_BYTES / 1_000_000} MB that can be read`;
  const place = `(${Math.floor(range.lo / POSITIONS_PER_BLOCK)},${range.lo % POSITIONS_PER_BLOCK})`;
  return new ConnectorError(`The row at ctid ${place} of ${read.relation.schema}.${read.relation.name} ${size}.`, {
    code: 'row_too_large',
    kind: 'source',
    hint: 'Exclude the table with "table_filters", or shorten the value.',
    cause,
  });
}
