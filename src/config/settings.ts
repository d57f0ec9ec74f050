import type { LogLevel } from '../common/logger';
import type { ColumnRule } from '../model/column-policy';
import type { HashKey } from '../model/hash-key';
import type { DestinationName } from '../model/destination-name';
import type { TableMode, TableOptionsByPattern } from './table-options';

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** The configuration after it was checked: every number a number, every default applied. */
export interface Settings {
  /** Name of the ODBC driver as registered in odbcinst.ini; found automatically when undefined. */
  readonly driver: string | undefined;
  /** ODBC data source name; host, port and database then come from it unless they are given too. */
  readonly dsn: string | undefined;
  /** undefined only where `dsn` is given */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly database: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sslmode: SslMode | undefined;
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  /** Business region of the `orders` rule; undefined: nothing is filtered. */
  readonly region: string | undefined;
  readonly maxRetries: number;
  readonly retrySleepSeconds: number;
  readonly debug: boolean;
  /** Globs over `schema.table`; `!` excludes. Empty: every table. */
  readonly tableFilters: readonly string[];
  readonly includeViews: boolean;
  /** What becomes of single columns; where several rules match one, the last counts. */
  readonly columns: readonly ColumnRule[];
  /** Columns that no rule names: read as they are, left out, or left out and told by `check` as a failure. */
  readonly columnsUnlisted: 'read' | 'exclude' | 'fail';
  /** Columns that the role may not read: their table fails, or is read without them. */
  readonly columnsDenied: 'fail' | 'skip';
  readonly hashKey: HashKey | undefined;
  /** `python`: the types of the Python connector, for a warehouse that the Python connector filled. */
  readonly typeMode: 'exact' | 'python';
  readonly syncMode: TableMode;
  readonly tableOptions: TableOptionsByPattern;
  /** As configured; see `slotNameOf` (config/slot-name). */
  readonly slotName: string | undefined;
  readonly publicationName: string;
  /** Compare keys once in this many passes over changes; 0: never. */
  readonly reconcileEvery: number | undefined;
  /** Each table is proven equal to its source once in this time; undefined: syncs prove nothing. */
  readonly verifyEverySeconds: number | undefined;
  /** After so many seconds of a sync, no further proof begins; 0: one table a sync. */
  readonly verifyBudgetSeconds: number;
  /** Tables to load from the start, as filters; empty: none. */
  readonly fullResync: readonly string[];
  /** Percent of a table's rows that one sync may mark deleted. */
  readonly maxDeletes: number;
  /**
   * Whether postgres_table and postgres_column get rows for the tables that changed, or for all tables at each sync.
   */
  readonly metadataHistory: 'changes' | 'every-sync';
  readonly schemaDrift: 'evolve' | 'warn' | 'fail';
  readonly timestampWindowSeconds: number | undefined;
  /** `fixed`: the documented sizes of batches and queue; `adaptive`: larger where memory allows. */
  readonly batchMode: 'adaptive' | 'fixed';
  readonly customBatchSize: number | undefined;
  readonly customThreads: number | undefined;
  readonly customQueueSize: number | undefined;
  /** 0: no limit. */
  readonly statementTimeoutSeconds: number;
  readonly lockTimeoutSeconds: number;
  /** A call that the server leaves unanswered for this long counts as lost. */
  readonly stallTimeoutSeconds: number;
  readonly batchBytes: number;
  readonly connectionTimeoutHours: number;
  readonly snapshotMaxAgeSeconds: number;
  /** Absolute path of the user's module of transformations. */
  readonly transformations: string | undefined;
  readonly destination: DestinationName;
  readonly warehousePath: string;
  /** The catalog of a lake: a file, `sqlite:` and a file, or a connection string of PostgreSQL. */
  readonly lakeCatalog: string;
  /** A folder or a URL; undefined: as the lake's catalog says, or beside its file. */
  readonly lakeDataPath: string | undefined;
  /** Folder of DuckDB's extensions; undefined: DuckDB installs them. */
  readonly lakeExtensions: string | undefined;
  /** Hours for which a lake can be queried as of an earlier sync. */
  readonly lakeRetentionHours: number;
  /** Folder for copies of the warehouse file; undefined: there are none. */
  readonly publishPath: string | undefined;
  readonly publishKeep: number;
  readonly statePath: string;
  readonly destinationSchema: string;
  /** See `isTableTemplate` (destinations/naming). */
  readonly destinationTable: string;
  readonly naming: 'source' | 'fivetran';
  readonly logFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
  /** HTML file written after the sync. */
  readonly reportPath: string | undefined;
  /** Port of the live page and metrics; undefined: nothing listens; 0: any free port. */
  readonly metricsPort: number | undefined;
  readonly metricsHost: string;
  /** Command or address that is told how a sync ended: see config/hook-target. */
  readonly onFailure: string | undefined;
  readonly onSuccess: string | undefined;
  readonly fleet: FleetSettings;
}

/** What `pgsluice fleet` needs to know beyond a sync. */
export interface FleetSettings {
  /** Folder of the configuration files of the sources. */
  readonly sources: string;
  /** Connection string of PostgreSQL; undefined: the queue is in the catalog's database. */
  readonly queue: string | undefined;
  /** Connections to one source, over all workers. */
  readonly readers: number;
  /** Jobs that one worker does at the same time. */
  readonly jobs: number;
  /** The size of a part of a first load; a table of less than two parts is not cut. */
  readonly partMegabytes: number;
  readonly drainSeconds: number;
  /** Cron, in UTC. */
  readonly maintain: string;
}
