/** Records how a sync goes, for the history in the warehouse. */
import { asConnectorError } from '../common/errors';
import type { Logger } from '../common/logger';
import { createRedactor } from '../common/redact';
import type { Destination } from '../destinations/destination';
import type { PlannedTable } from '../model/plan';
import type { SyncObserver, SyncReport, TableReport } from '../model/report';
import type { RunOutcome, RunRecord, TableRecord } from '../model/run-record';
import { tableKey } from '../model/table';

interface Tally {
  rows: number;
  bytes: number;
  retries: number;
  seconds: number;
  error: string | null;
}

export class RunRecorder {
  private readonly startedAt = new Date();
  private readonly tables = new Map<string, Tally>();
  private readonly redact: (text: string) => string;
  private outcome: RunOutcome = 'failed';
  private error: string | null = null;
  private slotWalBytes: number | null = null;

  constructor(
    secrets: readonly string[],
    private readonly logger: Logger,
  ) {
    this.redact = createRedactor(secrets);
  }

  readonly observer: SyncObserver = {
    slotSeen: ({ bytes }) => void (this.slotWalBytes = bytes),
    tableStarted: (table) => void this.tally(keyOf(table)),
    rowsWritten: (table, rows, bytes) => {
      const tally = this.tally(keyOf(table));
      tally.rows += rows;
      tally.bytes += bytes;
    },
    retry: (table) => void (this.tally(keyOf(table)).retries += 1),
    tableFinished: (_table, report) => this.note(report),
  };

  /** The run went to its end. */
  ended(report: Pick<SyncReport, 'tables'>): void {
    // Tables that were never started are only in the report.
    for (const table of report.tables) this.note(table);
    this.outcome = report.tables.some((table) => table.error !== undefined) ? 'some_tables_failed' : 'succeeded';
  }

  failed(error: unknown): void {
    const translated = asConnectorError(error);
    this.outcome = translated.kind === 'interrupted' ? 'interrupted' : 'failed';
    this.error = this.redact(translated.describe());
  }

  record(): RunRecord {
    const endedAt = new Date();
    const tables = [...this.tables].map(([key, tally]): TableRecord => ({ key, ...tally }));
    const sum = (of: (table: TableRecord) => number): number => tables.reduce((total, table) => total + of(table), 0);
    return {
      startedAt: this.startedAt.toISOString(),
      endedAt: endedAt.toISOString(),
      outcome: this.outcome,
      seconds: (endedAt.getTime() - this.startedAt.getTime()) / 1000,
      rows: sum((table) => table.rows),
      bytes: sum((table) => table.bytes),
      retries: sum((table) => table.retries),
      slotWalBytes: this.slotWalBytes,
      error: this.error,
      tableCount: tables.length,
      tables,
    };
  }

  /** A history that cannot be written is worth a log line, but does not fail the run. */
  async write(destination: Destination): Promise<void> {
    try {
      await destination.recordRun?.(this.record());
    } catch (error) {
      this.logger.warning(`The run could not be added to the history: ${asConnectorError(error).describe()}`);
    }
  }

  private note(report: TableReport): void {
    const tally = this.tally(report.key);
    tally.seconds = report.seconds;
    tally.error = report.error === undefined ? null : this.redact(report.error.describe());
  }

  private tally(key: string): Tally {
    let tally = this.tables.get(key);
    if (tally === undefined) {
      tally = { rows: 0, bytes: 0, retries: 0, seconds: 0, error: null };
      this.tables.set(key, tally);
    }
    return tally;
  }
}

function keyOf(planned: PlannedTable): string {
  return tableKey(planned.table);
}
