/**
 * What became of one run, as one document: `sync --json` prints it, and hooks are told it. Its form is described in
 * docs/CUSTOMIZATION.md. A change that breaks a reader of it raises `SUMMARY_VERSION`; fields may be added without that.
 */
import { hostname } from 'node:os';
import { asConnectorError } from '../common/errors';
import type { Settings } from '../config/settings';
import { keepsRows, placeOf } from '../destinations/place';
import { libraryVersions } from '../destinations/registry';
import type { PlannedTable } from '../model/plan';
import type { SyncObserver, TableReport } from '../model/report';
import { tableKey } from '../model/table';
import { isOtherSync } from './other-sync';

const SUMMARY_VERSION = 1;

export type RunResult =
  | 'succeeded'
  /** The run went to its end, but some tables failed. */
  | 'some_tables_failed'
  | 'failed'
  /** The process of the run ended without a word; its own summary is lost. */
  | 'crashed'
  /** By a signal; progress is kept. */
  | 'interrupted'
  /** Another sync has the warehouse, and tells of its own end. */
  | 'already_running';

export interface ErrorSummary {
  /** Stable, for scripts: `table_missing`. */
  readonly code: string;
  readonly kind: string;
  readonly sqlState: string | null;
  /** Message and advice; null where it might quote a value of a table, and the reader may see none. */
  readonly message: string | null;
}

export interface TableSummary {
  /** `schema.table` */
  readonly table: string;
  readonly destinationTable: string | null;
  readonly outcome: 'synced' | 'unchanged' | 'failed' | 'not_finished';
  /** How its changes were looked for; null where that was not decided. */
  readonly mode: string | null;
  /** Rows that came from the source, those that were read again after an error included. */
  readonly read: number;
  /** Rows that were written: all of them where the table was loaded in full. */
  readonly changed: number;
  /** Rows that were newly marked deleted. */
  readonly deleted: number;
  readonly retries: number;
  readonly seconds: number;
  readonly error: ErrorSummary | null;
}

export interface RunSummary {
  readonly version: typeof SUMMARY_VERSION;
  readonly command: string;
  readonly result: RunResult;
  readonly exitCode: number;
  /** ISO times, UTC. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  /** Name of the machine that pgsluice runs on. */
  readonly host: string;
  /** `host:port/database`, or the data source of odbc.ini; null where the configuration was not understood. */
  readonly source: string | null;
  /** File of the warehouse; null where nothing is kept, or the configuration was not understood. */
  readonly warehouse: string | null;
  readonly configuration: string;
  readonly versions: Readonly<Record<string, string | null>>;
  readonly counts: Readonly<Record<'tables' | 'synced' | 'unchanged' | 'failed' | 'notFinished', number>>;
  readonly read: number;
  readonly changed: number;
  readonly deleted: number;
  /** What ended the run as a whole; null where it went to its end. */
  readonly error: ErrorSummary | null;
  readonly tables: readonly TableSummary[];
}

export interface RunIdentity {
  readonly command: string;
  readonly configuration: string;
  /** The version of pgsluice. */
  readonly version: string;
}

/** How the run ended, as the process will say it. */
export interface RunEnd {
  readonly exitCode: number;
  readonly error?: unknown;
  /** Its process ended without a word. */
  readonly crashed?: true;
}

interface Tally {
  planned: PlannedTable | undefined;
  read: number;
  retries: number;
  report: TableReport | undefined;
}

/** Gathers what happens in a run that may end anywhere. */
export class RunSummaryRecorder {
  private readonly startedAt = new Date();
  private readonly tables = new Map<string, Tally>();
  private server: string | null = null;

  constructor(private readonly identity: RunIdentity) {}

  readonly observer: SyncObserver = {
    connected: ({ version }) => void (this.server = version),
    planned: ({ tables }) => {
      for (const planned of tables) this.tally(tableKey(planned.table)).planned = planned;
    },
    rowsWritten: ({ table }, rows) => void (this.tally(tableKey(table)).read += rows),
    retry: ({ table }) => void (this.tally(tableKey(table)).retries += 1),
    tableFinished: (_planned, report) => this.note(report),
    tableLeftOut: (report) => this.note(report),
  };

  /** Also of tables that were never begun, since nothing of them has changed. */
  note(report: TableReport): void {
    this.tally(report.key).report = report;
  }

  /** `settings`: undefined where the configuration was not understood. */
  summary(settings: Settings | undefined, { exitCode, error, crashed }: RunEnd): RunSummary {
    const endedAt = new Date();
    const tables = [...this.tables].map(([key, tally]) => tableSummary(key, tally));
    const having = (outcome: TableSummary['outcome']): number =>
      tables.filter((table) => table.outcome === outcome).length;
    const sum = (of: (table: TableSummary) => number): number => tables.reduce((total, table) => total + of(table), 0);
    return {
      version: SUMMARY_VERSION,
      command: this.identity.command,
      result: crashed === true ? 'crashed' : resultOf(exitCode, error, having('failed')),
      exitCode,
      startedAt: this.startedAt.toISOString(),
      endedAt: endedAt.toISOString(),
      seconds: (endedAt.getTime() - this.startedAt.getTime()) / 1000,
      host: hostname(),
      source: settings === undefined ? null : sourceOf(settings),
      warehouse: settings !== undefined && keepsRows(settings) ? (placeOf(settings) ?? null) : null,
      configuration: this.identity.configuration,
      versions: {
        pgsluice: this.identity.version,
        node: process.versions.node,
        ...libraryVersions(),
        postgresql: this.server,
      },
      counts: {
        tables: tables.length,
        synced: having('synced'),
        unchanged: having('unchanged'),
        failed: having('failed'),
        notFinished: having('not_finished'),
      },
      read: sum((table) => table.read),
      changed: sum((table) => table.changed),
      deleted: sum((table) => table.deleted),
      error: error === undefined ? null : errorSummary(error),
      tables,
    };
  }

  private tally(key: string): Tally {
    let tally = this.tables.get(key);
    if (tally === undefined) {
      tally = { planned: undefined, read: 0, retries: 0, report: undefined };
      this.tables.set(key, tally);
    }
    return tally;
  }
}

function tableSummary(key: string, { planned, read, retries, report }: Tally): TableSummary {
  const name = report?.destinationTable ?? '';
  return {
    table: key,
    destinationTable: name === '' ? null : name,
    outcome: outcomeOf(report),
    mode: report?.mode ?? planned?.mode ?? null,
    read,
    changed: report?.rows ?? 0,
    deleted: report?.deleted ?? 0,
    retries,
    seconds: report?.seconds ?? 0,
    error: report?.error === undefined ? null : errorSummary(report.error),
  };
}

function outcomeOf(report: TableReport | undefined): TableSummary['outcome'] {
  if (report === undefined) return 'not_finished';
  if (report.error !== undefined) return 'failed';
  return report.unchanged === true ? 'unchanged' : 'synced';
}

function errorSummary(thrown: unknown): ErrorSummary {
  const error = asConnectorError(thrown);
  return { code: error.code, kind: error.kind, sqlState: error.sqlState ?? null, message: error.describe() };
}

/** 128 and the number of a signal, as shells have it. */
const SIGNALLED = 128;

function resultOf(exitCode: number, error: unknown, failed: number): RunResult {
  if (exitCode > SIGNALLED) return 'interrupted';
  if (error !== undefined) return isOtherSync(error) ? 'already_running' : 'failed';
  return exitCode === 0 && failed === 0 ? 'succeeded' : 'some_tables_failed';
}

function sourceOf({ dsn, host, port, database }: Settings): string {
  return dsn ?? `${host ?? ''}:${port ?? ''}/${database ?? ''}`;
}
