/** What the history keeps of a sync after it has ended. */
export type RunOutcome =
  | 'succeeded'
  /** The run went to its end, but some tables failed. */
  | 'some_tables_failed'
  | 'failed'
  | 'interrupted';

export interface TableRecord {
  /** `schema.table` */
  readonly key: string;
  /** Rows and characters that were written. */
  readonly rows: number;
  readonly bytes: number;
  /** Seconds from its first statement to its last commit. */
  readonly seconds: number;
  readonly retries: number;
  /** Message and hint; null where it went well. */
  readonly error: string | null;
}

export interface RunRecord {
  /** ISO times. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly outcome: RunOutcome;
  readonly seconds: number;
  readonly rows: number;
  readonly bytes: number;
  readonly retries: number;
  /** Bytes of log that the replication slot kept on the disk of the source when the run began; null: no slot, or not known. */
  readonly slotWalBytes: number | null;
  /** What ended the run as a whole; null where it went to its end. */
  readonly error: string | null;
  /** Number of tables that the run dealt with. */
  readonly tableCount: number;
  /** The number of the lake's snapshot that holds what the run wrote; undefined without a lake. */
  readonly snapshot?: number;
  /** The tables with news; the history leaves out the unchanged ones. */
  readonly tables: readonly TableRecord[];
}
