/** Where a server is and who may do everything there. */
export interface ServerCoordinates {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface PostgresServer extends ServerCoordinates {
  /** What the server wrote to its log. */
  readonly logFile: string;
  /** Of the running server (its postmaster). */
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Shuts down, keeping the data; open connections are ended (SQLSTATE 57P01). */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** On the same port; also after a kill, and while stopped by SIGSTOP. */
  restart(): Promise<void>;
  /** Ends the server and removes its data. May be called twice. */
  close(): Promise<void>;
}

export interface PostgresOptions {
  /** Major version, fetched on demand (scripts/fetch-postgres.js); the one that package.json names when left out. */
  readonly version?: string;
  /** Server settings on top of those for speed. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly password?: string;
}

export function startPostgres(options?: PostgresOptions): Promise<PostgresServer>;
