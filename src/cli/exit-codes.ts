import type { ConnectorError, ErrorKind } from '../common/errors';
import type { TableReport } from '../model/report';
import type { VerificationReport } from '../model/verification';

export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  connection: 3,
  someTablesFailed: 4,
  destination: 5,
  /** `verify` found that source and warehouse differ. */
  different: 6,
  /** 128 plus the signal's number, as in shells. */
  SIGINT: 130,
  SIGTERM: 143,
} as const;

const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  configuration: EXIT.usage,
  connection: EXIT.connection,
  source: EXIT.someTablesFailed,
  destination: EXIT.destination,
  interrupted: EXIT.SIGINT,
  internal: EXIT.unexpected,
};

/** For an error that ended the whole run. */
export function exitCodeOfError(error: ConnectorError): number {
  return BY_KIND[error.kind];
}

/**
 * For a run that went to its end. A warehouse that could not be written takes precedence over tables that could not be
 * read. A server that was lost for every table counts as a failed connection.
 */
export function exitCodeOfReport(report: { readonly tables: readonly Pick<TableReport, 'error'>[] }): number {
  const kinds = report.tables.flatMap((table) => (table.error === undefined ? [] : [table.error.kind]));
  if (kinds.length === 0) return EXIT.ok;
  if (kinds.includes('interrupted')) return EXIT.SIGINT;
  if (kinds.includes('destination')) return EXIT.destination;
  if (kinds.length === report.tables.length && kinds.every((kind) => kind === 'connection')) return EXIT.connection;
  return EXIT.someTablesFailed;
}

/** A difference takes precedence over tables that could not be compared. */
export function exitCodeOfVerification(report: VerificationReport): number {
  if (report.tables.some((table) => table.outcome === 'different')) return EXIT.different;
  return exitCodeOfReport({ tables: report.tables });
}
