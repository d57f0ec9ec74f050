/** Which rows go through DuckDB's appender, in half the time of a statement, and what is added to them. */
import type { LoadStamp } from '../../destination';
import { VECTOR_ROWS } from '../library';
import type { HeldBatches } from './insert-buffer';
import type { ConstantColumn } from './row-vectors';

/** More than these are not appended: it takes some milliseconds in which no rows are read. */
const MOST_CELLS = 20_000;
const MOST_BYTES = 1_000_000;

/** `types`: of the new table's columns, which has those of the stamp besides. */
export function mayBeAppended({ statement, parts, rowCount, bytes }: HeldBatches, types: readonly string[]): boolean {
  if (!statement.isPlain || statement.into !== undefined) return false;
  if (rowCount > Math.min(VECTOR_ROWS, MOST_CELLS / types.length) || bytes > MOST_BYTES) return false;
  return parts.every((part) => part.types.every((type, index) => type === types[index]));
}

/** The load's moment, as a new table has the columns. */
export function stampColumns({ startedAt, secondsType }: LoadStamp): ConstantColumn[] {
  const milliseconds = startedAt.getTime();
  const Seconds = secondsType === 'FLOAT' ? Float32Array : Float64Array;
  return [
    {
      type: secondsType ?? 'DOUBLE',
      values: (rows) => new Seconds(rows).fill(milliseconds / 1000).buffer,
    },
    {
      type: 'TIMESTAMP WITH TIME ZONE',
      values: (rows) => new BigInt64Array(rows).fill(BigInt(milliseconds) * 1000n).buffer,
    },
    { type: 'BOOLEAN', values: (rows) => new Uint8Array(rows).buffer },
  ];
}
