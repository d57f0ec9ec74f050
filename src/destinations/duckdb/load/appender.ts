/**
 * Decides which rows go through DuckDB's appender, in half the time of a statement, and adds the load's moment to them.
 */
import type { LoadStamp } from '../../destination';
import { VECTOR_ROWS } from '../library';
import type { HeldBatches } from './insert-buffer';
import type { ConstantColumn } from './row-vectors';

/** More rows are not appended: it takes some milliseconds in which no rows are read. */
const MOST_CELLS = 20_000;
const MOST_BYTES = 1_000_000;

/** `types` are those of the new table's columns, which also has those of the stamp. */
export function mayBeAppended({ statement, parts, rowCount, bytes }: HeldBatches, types: readonly string[]): boolean {
  if (!statement.isPlain || statement.into !== undefined) return false;
  if (rowCount > Math.min(VECTOR_ROWS, MOST_CELLS / types.length) || bytes > MOST_BYTES) return false;
  return parts.every((part) => part.types.every((type, index) => type === types[index]));
}

/** The load's moment, in the form of a new table's columns. */
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
