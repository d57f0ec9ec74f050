/** What differs between the storages that DuckDB writes for us: a file of its own, and a lake of Parquet files. */
import type { ConnectorError } from '../../common/errors';
import { writeError } from './errors';

export interface Storage {
  /** Whether ALTER TABLE gives a column any other type, by an expression. Else the table is written anew. */
  readonly changesTypes: boolean;
  /** Whether rows from before a column was added are known to be NULL in it. */
  readonly knowsAddedNulls: boolean;
  /** Whether a few rows may go through DuckDB's appender. */
  readonly appends: boolean;
  /** Whether DuckDB keeps rows in memory until it makes a checkpoint, and can be asked for one. */
  readonly makesCheckpoints: boolean;
  /** Rows, and bytes of their text, that are inserted together. */
  readonly insertedRows: number;
  readonly insertedBytes: number;
  /** Rows of a pass over changes, and bytes of their text, that gather before they are put into their table. */
  readonly stagedRows: number;
  readonly stagedBytes: number;
  /** Bytes in which the rows of all tables may wait beyond what each has to have. */
  readonly heldBytes: number;
  /** SQL for a key's value of that stored type, by which equal keys are found to be equal. */
  readonly comparable: (value: string, storedType: string) => string;
  /** False where -0 is stored as 0. */
  readonly keepsZeroSigns: boolean;
  /** Older transactions are not committed; undefined: nobody else writes. */
  readonly longestTransactionHours: number | undefined;
  /** SQL for the number of the snapshot that a query sees; undefined where there are none. */
  readonly snapshot: string | undefined;
  /** SQL for a value as it is stored in a column of the stored type. */
  readonly stored: (value: string, storedType: string) => string;
  /** What DuckDB's error means; `path` names the storage. */
  readonly writeError: (error: unknown, path: string) => ConnectorError;
}

/** Four full vectors. Twice as many would win little more, and take more memory. */
const ENOUGH_ROWS = 8192;
const ENOUGH_BYTES = 4_000_000;

/**
 * A pass that changed a tenth of 10,000,000 rows gathered 500,000 rows, and took twice the memory. For each portion, the
 * table's keys are looked through once more, as far as they are not all smaller or larger.
 */
const STAGED_ROWS = 200_000;
const STAGED_BYTES = 16_000_000;

export const FILE_STORAGE: Storage = {
  changesTypes: true,
  knowsAddedNulls: true,
  appends: true,
  makesCheckpoints: true,
  insertedRows: ENOUGH_ROWS,
  insertedBytes: ENOUGH_BYTES,
  stagedRows: STAGED_ROWS,
  stagedBytes: STAGED_BYTES,
  heldBytes: 0,
  keepsZeroSigns: true,
  longestTransactionHours: undefined,
  snapshot: undefined,
  comparable: (value) => value,
  stored: (value) => value,
  writeError,
};
