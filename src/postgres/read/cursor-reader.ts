/**
 * Reads a relation that has no readable ranges (views, foreign tables, servers before PostgreSQL 14) with
 * a server-side cursor, one packed text per row. Slower than packed batches, and as exact.
 */
import { ConnectorError } from '../../common/errors';
import { PackedBatch, PackedColumn, SEPARATOR } from '../../model/packed-batch';
import type { Relation } from '../../model/table';
import { isFreeText } from '../../model/column-type';
import { type OdbcRow, type Session, checkSettings, SETTINGS_SEEN, quoteRows } from '../connection';
import { packedRow, ROW_ALIAS, type SelectColumn } from './select-list';

export interface CursorRead {
  readonly relation: Relation;
  readonly columns: readonly SelectColumn[];
  readonly conditions: readonly string[];
  readonly batchBytes: number;
  readonly batchRows: () => number;
  readonly signal: AbortSignal | undefined;
}

/** Rows of the first fetch, while their size is still unknown. */
const FIRST_FETCH_ROWS = 50;

/** Must run inside a transaction; the cursor is closed at the end, even after an error. */
export async function* readCursor(session: Session, read: CursorRead): AsyncGenerator<PackedBatch, void, void> {
  const reads = `${read.relation.schema}.${read.relation.name}`;
  const context = { doing: `reading ${reads}`, reads, signal: read.signal };
  const where =
    read.conditions.length === 0 ? '' : ` WHERE ${read.conditions.map((condition) => `(${condition})`).join(' AND ')}`;
  // This runs in the cursor's own transaction, which no pooler splits.
  const [seen] = await session.query(`SELECT ${SETTINGS_SEEN} AS s`, context);
  checkSettings(seen, context.doing);
  await session.query(
    `DECLARE pgsluice_rows NO SCROLL CURSOR FOR SELECT ${packedRow(read.columns)} || E'\\x1f' AS r ` +
      `FROM ${quoteRows(read.relation)} AS ${ROW_ALIAS}${where}`,
    context,
  );
  let fetchRows = Math.min(FIRST_FETCH_ROWS, read.batchRows());
  for (;;) {
    const rows = await session.query(`FETCH ${fetchRows} FROM pgsluice_rows`, context);
    if (rows.length > 0) {
      const batch = toColumns(rows, read.columns, context.doing);
      const affordable = Math.floor((read.batchBytes / Math.max(batch.bytes, 1)) * rows.length);
      const asked = fetchRows;
      // Grows at most fourfold, so that a run of short rows does not lead into a wall of long ones.
      fetchRows = Math.max(1, Math.min(read.batchRows(), affordable, fetchRows * 4));
      yield batch;
      if (rows.length === asked) continue;
    }
    break;
  }
  await session.query('CLOSE pgsluice_rows', context);
}

/** Turns rows of separated values into columns of separated values; each row must have one value per column. */
function toColumns(rows: readonly OdbcRow[], columns: readonly SelectColumn[], doing: string): PackedBatch {
  const parts: string[][] = columns.map(() => []);
  let bytes = 0;
  for (const row of rows) {
    const text = row['r'];
    const values = typeof text === 'string' && text.endsWith(SEPARATOR) ? text.slice(0, -1).split(SEPARATOR) : [];
    if (values.length !== Math.max(columns.length, 1)) {
      throw new ConnectorError(`The ODBC driver returned an incomplete row (while ${doing}); nothing of it was used.`, {
        code: 'damaged_batch',
        kind: 'source',
        retryable: true,
      });
    }
    bytes += (text as string).length;
    for (const [index, part] of parts.entries()) part.push(values[index] ?? '');
  }
  const packed = parts.map((values, index) => {
    const column = columns[index];
    const encoding = column !== undefined && isFreeText(column.type) ? 'escaped' : 'plain';
    return new PackedColumn(values.join(SEPARATOR), rows.length, column?.nullable ?? true, encoding);
  });
  return new PackedBatch(rows.length, packed, bytes);
}
