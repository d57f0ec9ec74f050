/** What the parts that process a table share. */
import type { Logger } from '../../common/logger';
import type { ConnectionManager, Clock, OdbcRow } from '../../postgres/connection';
import type { PackedQuery } from '../../postgres/read';
import type { ReaderPool } from '../pressure';
import type { TableRun } from '../plan';
import type { Writer } from '../write';
import type { LogFollower } from './log-follower';

/** All of a small table, for `unpackResult`. */
export interface ReadAtOnce {
  readonly query: PackedQuery;
  readonly row: OdbcRow | undefined;
}

export interface JointReader {
  /** undefined: the table must be read by itself. */
  take(run: TableRun): Promise<ReadAtOnce | undefined>;
}

export interface ProcessorOptions {
  readonly manager: ConnectionManager;
  readonly pool: ReaderPool;
  readonly writer: Writer;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly maxRetries: number;
  /** See deletes-guard. */
  readonly maxDeletesPercent: number;
  readonly retrySleepSeconds: number;
  readonly batchBytes: number;
  /** To the server; see engine/pressure/distance. */
  readonly roundTripMs: number;
  /** As PostgreSQL names it. */
  readonly serverEncoding: string;
  readonly snapshotMaxAgeMs: number;
  /** Replaces the window that running transactions need; undefined: theirs counts. */
  readonly timestampWindowSeconds: number | undefined;
  /** Rows of the next batch. The call samples the pressure as well. */
  readonly batchRows: (run: TableRun) => number;
  /** Called before a line about the table is logged. */
  readonly onNews: (run: TableRun) => void;
  /** Whether nothing was said of the table yet, nor need be. */
  readonly isSilent: (run: TableRun) => boolean;
  readonly onRetry: (run: TableRun, attempt: number, delaySeconds: number) => void;
  /** undefined: no table is read by it. */
  readonly log: LogFollower | undefined;
  /** Reads small tables together; undefined: each is read by itself. */
  readonly joint?: JointReader;
  readonly clock?: Clock;
  readonly random?: () => number;
}
