/**
 * Reads rows in the order of a replication key, page after page, each page one statement: `key >= watermark`
 * through the key's index, so that only what changed is touched. Rows of one key are ordered by ctid.
 */
import { ConnectorError } from '../../common/errors';
import { NULL_MARKER, PackedBatch, SEPARATOR, type PackedColumn } from '../../model/packed-batch';
import type { Relation } from '../../model/table';
import { isTooLarge, type Session, quoteIdentifier, quoteLiteral } from '../connection';
import { packedQuerySql, unpackResult, type PackedQuery } from './packed-query';
import { ROW_ALIAS, type SelectColumn } from './select-list';
import { recover } from './snapshot';

export interface KeyRead {
  readonly relation: Relation;
  readonly columns: readonly SelectColumn[];
  readonly conditions: readonly string[];
  readonly key: string;
  /** Name of the key's type in pg_catalog. */
  readonly keyType: string;
  /** Read from here on; null: the rows whose key is NULL. */
  readonly watermark: string | null;
  readonly batchBytes: number;
  readonly batchRows: () => number;
  readonly signal: AbortSignal | undefined;
}

const MAX_PAGE_BYTES = 500_000_000;
const BYTES_TOLERANCE = 4;
const FIRST_PAGE_SHARE = 0.25;

/** Must run inside a transaction with the savepoint of postgres/read/snapshot. */
export async function* readByKey(session: Session, read: KeyRead): AsyncGenerator<PackedBatch, void, void> {
  const place = `${ROW_ALIAS}.ctid::text`;
  const key = `${ROW_ALIAS}.${quoteIdentifier(read.key)}`;
  const hidden: SelectColumn[] = [
    { name: 'key', type: { kind: 'timestamp' }, textExpression: `${key}::text`, nullable: true },
    { name: 'place', type: { kind: 'timestamp' }, textExpression: place, nullable: false },
  ];
  let after: { readonly key: string; readonly place: string } | undefined;
  let rows = Math.max(1, Math.floor(read.batchRows() * FIRST_PAGE_SHARE));
  for (;;) {
    const bounds = pageBounds(read, key, after);
    const page = await readPage(session, read, {
      columns: [...read.columns, ...hidden],
      conditions: [...read.conditions, bounds],
      key,
      rows,
    });
    if (page === undefined) {
      rows = Math.max(1, Math.floor(rows / 2));
      continue;
    }
    if (page.rowCount > 0) {
      const columns = page.columns.slice(0, read.columns.length);
      yield new PackedBatch(page.rowCount, columns, page.bytes);
      after = {
        key: lastValue(page.columns[read.columns.length]),
        place: lastValue(page.columns[read.columns.length + 1]),
      };
    }
    if (page.rowCount < rows) return;
    const affordable = Math.floor((read.batchBytes / Math.max(page.bytes, 1)) * page.rowCount);
    rows = Math.max(1, Math.min(read.batchRows(), affordable, rows * 4));
  }
}

function pageBounds(
  read: KeyRead,
  key: string,
  after: { readonly key: string; readonly place: string } | undefined,
): string {
  const place = (ctid: string): string => `${quoteLiteral(ctid)}::tid`;
  if (read.watermark === null) {
    return after === undefined ? `${key} IS NULL` : `${key} IS NULL AND ${ROW_ALIAS}.ctid > ${place(after.place)}`;
  }
  if (after === undefined) return `${key} >= ${quoteLiteral(read.watermark)}::${read.keyType}`;
  // The second condition implies the first, which is there for the search in the index.
  const from = `${quoteLiteral(after.key)}::${read.keyType}`;
  return `${key} >= ${from} AND (${key}, ${ROW_ALIAS}.ctid) > (${from}, ${place(after.place)})`;
}

interface Page {
  readonly columns: readonly SelectColumn[];
  readonly conditions: readonly string[];
  readonly key: string;
  readonly rows: number;
}

/** undefined: the page is too large, and must be asked again with fewer rows. */
async function readPage(session: Session, read: KeyRead, page: Page): Promise<PackedBatch | undefined> {
  const reads = `${read.relation.schema}.${read.relation.name}`;
  const doing = `reading changes of ${reads}`;
  for (const packing of ['plain', 'escaped'] as const) {
    const query: PackedQuery = {
      relation: read.relation,
      columns: page.columns,
      conditions: page.conditions,
      range: { lo: 0, hi: Infinity },
      first: { order: [page.key, `${ROW_ALIAS}.ctid`], rows: page.rows },
      packing,
      maxBytes: page.rows === 1 ? MAX_PAGE_BYTES : Math.min(read.batchBytes * BYTES_TOLERANCE, MAX_PAGE_BYTES),
    };
    let row;
    try {
      [row] = await session.query(packedQuerySql(query), { doing, reads, signal: read.signal });
    } catch (error) {
      if (!(error instanceof ConnectorError) || !session.usable || read.signal?.aborted === true) throw error;
      if (page.rows === 1 || (!isTooLarge(error) && error.sqlState !== '57014')) throw error;
      await recover(session, read.signal);
      return undefined;
    }
    const result = unpackResult(row, query, doing);
    if (result.outcome === 'batch') return result.batch;
    if (result.outcome === 'too-large') {
      if (page.rows > 1) return undefined;
      throw new ConnectorError(
        `A row of ${read.relation.schema}.${read.relation.name} has ${Math.ceil(result.bytes / 1_000_000)} MB as text, more than can be read.`,
        {
          code: 'row_too_large',
          kind: 'source',
          hint: 'Exclude the table with "table_filters", or shorten the value.',
        },
      );
    }
  }
  throw new ConnectorError(`The escaped encoding of a batch was still ambiguous (while ${doing}).`, {
    code: 'damaged_batch',
    kind: 'source',
  });
}

function lastValue(column: PackedColumn | undefined): string {
  const text = column?.text ?? '';
  const value = text.slice(text.lastIndexOf(SEPARATOR) + 1);
  return value === NULL_MARKER ? '' : value;
}
