/** One packed batch that is no range of blocks, in the encoding that its values allow. */
import { ConnectorError } from '../../common/errors';
import type { PackedBatch } from '../../model/packed-batch';
import { isTooLarge, type Session } from '../connection';
import { packedQuerySql, unpackResult, type PackedQuery } from './packed-query';
import { recover } from './snapshot';

export interface PackedRead {
  /** Nothing smaller can be asked for. */
  readonly atMostOne: boolean;
  readonly batchBytes: number;
  /** Columns may travel as digits (model/binary-values). */
  readonly binary?: boolean;
  readonly signal: AbortSignal | undefined;
}

/** The odbc package does not take cells of any size. */
const MOST_BYTES = 500_000_000;
const BYTES_TOLERANCE = 4;

/**
 * undefined: too large, to be asked for again in smaller pieces. Must run inside a transaction with the savepoint of
 * postgres/read/snapshot.
 */
export async function readPacked(
  session: Session,
  what: Omit<PackedQuery, 'range' | 'packing' | 'maxBytes'>,
  { atMostOne, batchBytes, binary = false, signal }: PackedRead,
): Promise<PackedBatch | undefined> {
  const reads = `${what.relation.schema}.${what.relation.name}`;
  const doing = `reading changes of ${reads}`;
  for (const packing of [binary ? 'binary' : 'plain', 'escaped'] as const) {
    const query: PackedQuery = {
      ...what,
      range: { lo: 0, hi: Infinity },
      packing,
      maxBytes: atMostOne ? MOST_BYTES : Math.min(batchBytes * BYTES_TOLERANCE, MOST_BYTES),
    };
    let row;
    try {
      [row] = await session.query(packedQuerySql(query), { doing, reads, signal });
    } catch (error) {
      if (!(error instanceof ConnectorError) || !session.usable || signal?.aborted === true) throw error;
      if (atMostOne || (!isTooLarge(error) && error.sqlState !== '57014')) throw error;
      await recover(session, signal);
      return undefined;
    }
    const result = unpackResult(row, query, doing);
    if (result.outcome === 'batch') return result.batch;
    if (result.outcome === 'too-large') {
      if (!atMostOne) return undefined;
      throw new ConnectorError(
        `A row of ${reads} has ${Math.ceil(result.bytes / 1_000_000)} MB as text, more than can be read.`,
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
