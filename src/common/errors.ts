/**
 * The one class of errors, and who can mend them.
 *
 * This room has what every layer needs and none owns: errors, logs, retries, secrets, waiting. It imports nothing of src,
 * and every layer comes in. What only one layer uses stands there instead. Start here for errors, `logger` for logs.
 */
/** What went wrong, by who can mend it. The command line's exit code and the gRPC status follow from it. */
export type ErrorKind =
  | 'configuration' // the user's configuration or command line: nothing was started
  | 'connection' // cannot reach the server or log in
  | 'source' // a table could not be read
  | 'destination' // the warehouse could not be opened or written
  | 'interrupted' // a signal or a cancelled request
  | 'internal'; // a defect of ours

export interface ConnectorErrorOptions {
  /** Stable identifier for people and scripts, e.g. `table_missing`. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** Whether the same operation may succeed when it is tried again. */
  readonly retryable?: boolean;
  /** An error of the warehouse that concerns one table only: the others go on. */
  readonly ofTable?: boolean;
  /** Five characters, as PostgreSQL or the ODBC driver gave it. */
  readonly sqlState?: string;
  /** One sentence: what to do. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the product. An error is translated once, where it arises, and is handled once, at the edge.
 */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly ofTable: boolean;
  readonly sqlState: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, options: ConnectorErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.kind = options.kind;
    this.retryable = options.retryable ?? false;
    this.ofTable = options.ofTable ?? false;
    this.sqlState = options.sqlState;
    this.hint = options.hint;
  }

  /** Message and hint as one paragraph, for a log line or the terminal. */
  describe(): string {
    return this.hint === undefined ? this.message : `${this.message} ${this.hint}`;
  }
}

/** What a log line in JSON tells of an error beside its text. */
export function errorFields({ code, kind, sqlState }: ConnectorError): Record<string, string> {
  return { code, kind, ...(sqlState === undefined ? {} : { sqlState }) };
}

/** Whether no other table can go on either: the warehouse cannot be used, or we have a defect. */
export function endsRun({ kind, ofTable }: ConnectorError): boolean {
  return kind === 'internal' || (kind === 'destination' && !ofTable);
}

export function interrupted(reason: string): ConnectorError {
  return new ConnectorError(reason, { code: 'interrupted', kind: 'interrupted' });
}

/** Turns any thrown value into a ConnectorError; one of another class is a defect of ours. */
export function asConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ConnectorError(message, { code: 'internal', kind: 'internal', cause: error });
}
