/**
 * The one option table. The command line, the environment, configuration.json, the README's table and
 * Fivetran's form are all made from it; an option exists nowhere else.
 *
 * This room turns what users write into `Settings`, or into one sentence for each mistake. It knows files, flags and the
 * environment, and nothing of PostgreSQL. app, cli, fivetran and observe come in. Start here for an option, and
 * at `load-settings` for how it becomes a setting.
 */
import { DESTINATION_NAMES } from '../model/destination-name';

export type OptionGroup =
  | 'Connection'
  | 'Tables'
  | 'Privacy'
  | 'Reading'
  | 'Retries'
  | 'Destination'
  | 'Output'
  | 'Watching'
  | 'Hooks'
  | 'Fleet';

interface CommonDeclaration {
  /** The key in configuration.json; flag and environment variable are derived from it. */
  readonly key: string;
  /** Given where the flag is not the key in kebab-case; false: there is none. */
  readonly flag?: string | false;
  /** Read after PGSLUICE_<KEY>: names that other PostgreSQL programs know. */
  readonly moreEnvironment?: readonly string[];
  readonly group: OptionGroup;
  /** A few words, as above a field of a form. */
  readonly label: string;
  /** A phrase for help and tables, without a final full stop. */
  readonly description: string;
  readonly example?: string;
  /** Must be given unless `dsn` is, because a data source may hold all of these. */
  readonly required?: true;
  /** Never shown in a message, a log or a form. */
  readonly secret?: true;
  /** Useful only to the command line on this machine; Fivetran's form has no field for it. */
  readonly local?: true;
}

interface NumberDeclaration {
  readonly kind: 'integer' | 'number';
  readonly default?: number;
  readonly min: number;
  readonly max: number;
}

type KindDeclaration =
  | { readonly kind: 'string'; readonly default?: string }
  | NumberDeclaration
  /** `7d`; the value is in seconds. */
  | { readonly kind: 'duration' }
  | { readonly kind: 'boolean'; readonly default?: boolean }
  | { readonly kind: 'enum'; readonly choices: readonly string[]; readonly default?: string }
  | { readonly kind: 'list' }
  /** `keywords` are values that name no file; with `orElsewhere`, URLs and connection strings are none either. */
  | {
      readonly kind: 'path';
      readonly default?: string;
      readonly mustExist?: true;
      readonly keywords?: readonly string[];
      readonly orElsewhere?: true;
    }
  /** A program with its parameters, or with `orUrl` an address: see config/command-words. */
  | { readonly kind: 'command'; readonly orUrl?: true }
  | { readonly kind: 'password' };

export type OptionDeclaration = CommonDeclaration & KindDeclaration;
export type OptionValue = string | number | boolean | readonly string[];

const TABLE = [
  {
    key: 'host',
    kind: 'string',
    group: 'Connection',
    label: 'Host',
    required: true,
    description: 'Name or address of the PostgreSQL server',
    example: 'db.example.com',
  },
  {
    key: 'port',
    kind: 'integer',
    min: 1,
    max: 65_535,
    group: 'Connection',
    label: 'Port',
    required: true,
    description: 'Port of the server',
    example: '5432',
  },
  {
    key: 'database',
    kind: 'string',
    group: 'Connection',
    label: 'Database',
    required: true,
    description: 'Database to replicate',
    example: 'shop',
  },
  {
    key: 'username',
    kind: 'string',
    group: 'Connection',
    label: 'User',
    required: true,
    description: 'Role to log in as; it needs CONNECT, USAGE and SELECT only',
    example: 'replicator',
  },
  {
    key: 'password',
    kind: 'password',
    // A flag would show the password to everyone who can list processes.
    flag: false,
    moreEnvironment: ['PGPASSWORD'],
    group: 'Connection',
    label: 'Password',
    required: true,
    secret: true,
    description: 'Password of the role',
  },
  {
    key: 'password_file',
    kind: 'path',
    group: 'Connection',
    label: 'Password file',
    local: true,
    description: 'File that holds the password and nothing else, such as a secret of Docker or Kubernetes',
    example: '/run/secrets/shop',
  },
  {
    key: 'password_command',
    kind: 'command',
    group: 'Connection',
    label: 'Password command',
    local: true,
    description: 'Program that prints the password, with its parameters; started without a shell, 30 s at most',
    example: 'pass show db/shop',
  },
  {
    key: 'sslmode',
    kind: 'enum',
    choices: ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'],
    group: 'Connection',
    label: 'TLS mode',
    description: 'Whether the connection is encrypted and the server checked; without it, the driver decides',
    example: 'verify-full',
  },
  {
    key: 'sslrootcert',
    kind: 'path',
    mustExist: true,
    keywords: ['system'],
    group: 'Connection',
    label: 'TLS root certificate',
    description: 'File of the certificate authorities that `verify-ca` and `verify-full` trust, or `system`',
    example: './root.crt',
  },
  {
    key: 'sslcert',
    kind: 'path',
    mustExist: true,
    group: 'Connection',
    label: 'TLS client certificate',
    description: 'File of the certificate that the role logs in with, where the server asks for one',
    example: './client.crt',
  },
  {
    key: 'sslkey',
    kind: 'path',
    mustExist: true,
    group: 'Connection',
    label: 'TLS client key',
    description: 'File of the key of that certificate, which only its owner may read (chmod 600)',
    example: './client.key',
  },
  {
    key: 'driver',
    kind: 'string',
    group: 'Connection',
    label: 'ODBC driver',
    description: 'Name or library of the ODBC driver; without it, the installed PostgreSQL driver is found',
    example: 'PostgreSQL Unicode',
  },
  {
    key: 'dsn',
    kind: 'string',
    group: 'Connection',
    label: 'ODBC data source',
    description: 'Data source of odbc.ini; the other connection options may then be left out',
    example: 'shop',
  },
  {
    key: 'table_filters',
    kind: 'list',
    group: 'Tables',
    label: 'Tables',
    description:
      'Globs over `schema.table`, separated by commas; `!` excludes; without a dot, tables of any schema; ' +
      'without it, every table',
    example: 'public.*, !*_old',
  },
  {
    key: 'region',
    kind: 'string',
    group: 'Tables',
    label: 'Region',
    description: 'Region kept in `orders` tables; without it, no row is filtered',
    example: 'Europe',
  },
  {
    key: 'transformations',
    kind: 'path',
    mustExist: true,
    group: 'Tables',
    label: 'Transformations',
    local: true,
    description: 'Module with transformations of your own',
    example: './my-rules.mjs',
  },
  {
    key: 'include_views',
    kind: 'boolean',
    default: false,
    group: 'Tables',
    label: 'Views',
    description: 'Replicate views as well, each read whole at every sync',
  },
  {
    key: 'type_mode',
    kind: 'enum',
    choices: ['exact', 'python'],
    default: 'exact',
    group: 'Tables',
    label: 'Types',
    description: 'Types that hold every value exactly, or those that the Python connector wrote',
  },
  {
    key: 'sync_mode',
    kind: 'enum',
    choices: ['auto', 'full', 'timestamp', 'xmin', 'log'],
    default: 'auto',
    group: 'Tables',
    label: 'Sync mode',
    description:
      'How changes are found: by an update column, by transaction ids, from the write-ahead log, or by reading everything; auto decides for each table',
  },
  {
    key: 'slot_name',
    kind: 'string',
    group: 'Tables',
    label: 'Replication slot',
    description:
      'Replication slot of mode log, of this warehouse alone; without it, a name that is made of the path of the warehouse and its schema',
    example: 'pgsluice_shop',
  },
  {
    key: 'publication_name',
    kind: 'string',
    default: 'pgsluice',
    group: 'Tables',
    label: 'Publication',
    description: 'Publication of mode log; the warehouses of a database may share it',
  },
  {
    key: 'table_options',
    kind: 'string',
    group: 'Tables',
    label: 'Table options',
    description: 'Options of single tables, as JSON or the path of a JSON file: `mode`, `replication_key`',
    example: '{"public.orders": {"mode": "xmin"}}',
  },
  {
    key: 'timestamp_window_seconds',
    kind: 'number',
    min: 0,
    max: 31_536_000,
    group: 'Tables',
    label: 'Timestamp window',
    description:
      'Seconds before the newest update that are read again, for transactions that commit late; default: the age of the oldest running one',
  },
  {
    key: 'reconcile_every',
    kind: 'integer',
    min: 0,
    max: 1_000_000,
    group: 'Tables',
    label: 'Look for deleted rows',
    description:
      'Prove once in this many syncs of changes that no row is missing and that all deleted rows are marked; 0: never; default: at each; in mode timestamp, for tables above 32 GB, at every 24th',
  },
  {
    key: 'verify_every',
    kind: 'duration',
    group: 'Tables',
    label: 'Prove tables',
    local: true,
    description:
      'Prove every table equal to its source, value by value, once in this time: a duration such as `12h` or `7d`; each sync proves a part, the oldest proof first; without it, syncs prove nothing',
    example: '7d',
  },
  {
    key: 'verify_budget_seconds',
    kind: 'integer',
    default: 60,
    min: 0,
    max: 86_400,
    group: 'Tables',
    label: 'Time for proofs',
    local: true,
    description:
      'Seconds of a sync after which no further proof of `verify_every` begins; a proof that has begun is finished; 0: one table a sync',
  },
  {
    key: 'max_deletes',
    kind: 'integer',
    default: 50,
    min: 0,
    max: 100,
    group: 'Tables',
    label: 'Most deleted rows',
    description:
      'Percent of the rows of a table of more than 1,000 that one sync may mark deleted; where more are gone, the table fails; 100: no limit',
  },
  {
    key: 'metadata_history',
    kind: 'enum',
    choices: ['changes', 'every-sync'],
    default: 'changes',
    group: 'Tables',
    label: 'Metadata tables',
    description:
      'Which tables get rows in `postgres_table` and `postgres_column`: those whose description has changed, or all at each sync',
  },
  {
    key: 'schema_drift',
    kind: 'enum',
    choices: ['evolve', 'warn', 'fail'],
    default: 'evolve',
    group: 'Tables',
    label: 'Schema drift',
    description:
      'When a table has other columns, types or keys than at its last sync: follow, follow with a warning, or leave the table alone and fail',
  },
  {
    key: 'full_resync',
    kind: 'list',
    group: 'Tables',
    label: 'Full re-sync',
    description: 'Tables to load from the start in this sync, as patterns; `*` for all',
    example: 'public.orders',
    local: true,
  },
  {
    key: 'columns',
    kind: 'string',
    group: 'Privacy',
    label: 'Column rules',
    description:
      'What becomes of single columns before their values leave the server, as JSON or the path of a JSON file: `keep`, `exclude`, `hash`, `null`, `mask`, `mask:email`, `mask:phone`, `mask:last:4`',
    example: '{"public.people.email": "hash"}',
  },
  {
    key: 'hash_key',
    kind: 'password',
    // A flag would show the key to everyone who can list processes.
    flag: false,
    group: 'Privacy',
    label: 'Hash key',
    secret: true,
    description: 'Key of hashed columns, of 16 characters at least; another key gives other hashes',
  },
  {
    key: 'hash_key_file',
    kind: 'path',
    mustExist: true,
    group: 'Privacy',
    label: 'Hash key file',
    local: true,
    description: 'File that holds the key of hashed columns, which nobody else may read (chmod 600)',
    example: './hash.key',
  },
  {
    key: 'columns_unlisted',
    kind: 'enum',
    choices: ['read', 'exclude', 'fail'],
    default: 'read',
    group: 'Privacy',
    label: 'Unlisted columns',
    description:
      'Columns that no rule of `columns` names: read them, leave them out, or leave them out and let `check` fail',
  },
  {
    key: 'columns_denied',
    kind: 'enum',
    choices: ['fail', 'skip'],
    default: 'fail',
    group: 'Privacy',
    label: 'Denied columns',
    description: 'Where the role may read some columns of a table only: the table fails, or is read without the others',
  },
  {
    key: 'batch_mode',
    kind: 'enum',
    choices: ['adaptive', 'fixed'],
    default: 'adaptive',
    group: 'Reading',
    label: 'Batch mode',
    description:
      'Batches and queue by table size alone, or larger where memory allows: 5000 rows a batch, 40000 in the queue',
  },
  {
    key: 'custom_batch_size',
    kind: 'integer',
    min: 1,
    max: 1_000_000,
    group: 'Reading',
    label: 'Rows per batch',
    description: 'Rows per batch, in place of what batch_mode and table size say',
  },
  {
    key: 'custom_threads',
    kind: 'integer',
    min: 1,
    // Readers share 16 threads with the destination's writers (cli/main), so more readers would only wait for a thread.
    max: 12,
    group: 'Reading',
    label: 'Readers',
    description: 'Connections that read at once, in place of 4, 2 or 1 by table size',
  },
  {
    key: 'custom_queue_size',
    kind: 'integer',
    min: 1,
    max: 10_000_000,
    group: 'Reading',
    label: 'Rows in the queue',
    description: 'Rows read ahead of the destination, in place of what batch_mode and table size say',
  },
  {
    key: 'batch_bytes',
    kind: 'integer',
    default: 3_145_728,
    min: 1_024,
    // A batch is one string per column, and the longest string of V8 is 512 MB.
    max: 268_435_456,
    group: 'Reading',
    label: 'Bytes per batch',
    description: 'Most bytes in one batch; wide rows make batches of fewer rows',
  },
  {
    key: 'statement_timeout_seconds',
    kind: 'number',
    default: 600,
    min: 0,
    max: 86_400,
    group: 'Reading',
    label: 'Statement timeout',
    description: 'Seconds after which the server ends a statement; 0: never',
  },
  {
    key: 'lock_timeout_seconds',
    kind: 'number',
    default: 60,
    min: 0,
    max: 86_400,
    group: 'Reading',
    label: 'Lock timeout',
    description: 'Seconds to wait for a table that another session has locked; 0: without end',
  },
  {
    key: 'stall_timeout_seconds',
    kind: 'number',
    default: 300,
    min: 1,
    max: 86_400,
    group: 'Reading',
    label: 'Stall timeout',
    description:
      'Seconds without an answer after which the server counts as lost, and the work goes on over a new connection',
  },
  {
    key: 'connection_timeout_hours',
    kind: 'number',
    default: 3,
    min: 0.001,
    max: 168,
    group: 'Reading',
    label: 'Connection lifetime',
    description: 'Hours after which a connection is replaced, between two batches',
  },
  {
    key: 'snapshot_max_age_seconds',
    kind: 'number',
    default: 3_600,
    min: 1,
    max: 86_400,
    group: 'Reading',
    label: 'Snapshot lifetime',
    description: 'Seconds after which the rest of a table is read under a new snapshot',
  },
  {
    key: 'max_retries',
    kind: 'integer',
    default: 5,
    min: 0,
    max: 1_000,
    group: 'Retries',
    label: 'Attempts',
    description: 'Attempts per table; 0: one attempt, no retry',
  },
  {
    key: 'retry_sleep_seconds',
    kind: 'number',
    default: 5,
    min: 0,
    max: 86_400,
    group: 'Retries',
    label: 'Retry delay',
    description: 'Seconds before the first retry; doubled at each, 300 at most, with jitter',
  },
  {
    key: 'destination',
    kind: 'enum',
    choices: DESTINATION_NAMES,
    default: 'duckdb',
    group: 'Destination',
    label: 'Destination',
    local: true,
    description: 'Where rows go: a DuckDB file, a lake, or `null`, which discards them to measure the source',
  },
  {
    key: 'warehouse_path',
    flag: 'warehouse',
    kind: 'path',
    default: 'files/warehouse.db',
    group: 'Destination',
    label: 'Warehouse file',
    local: true,
    description: 'DuckDB file that receives the tables',
  },
  {
    key: 'lake_catalog',
    kind: 'path',
    orElsewhere: true,
    default: 'files/lake/catalog.ducklake',
    group: 'Destination',
    label: 'Catalog of the lake',
    local: true,
    description:
      'Where a lake has its catalog: a PostgreSQL connection string for many processes; a DuckDB file, or `sqlite:FILE`, for one',
    example: 'postgresql://lake@db.example.com/lake',
  },
  {
    key: 'lake_data_path',
    kind: 'path',
    orElsewhere: true,
    group: 'Destination',
    label: 'Files of the lake',
    local: true,
    description:
      'Folder or URL (s3://, gs://, az://) of a lake’s Parquet files; by default the folder `data` beside the catalog’s file',
    example: 's3://warehouse/lake',
  },
  {
    key: 'lake_extensions',
    kind: 'path',
    mustExist: true,
    group: 'Destination',
    label: 'Extensions of DuckDB',
    local: true,
    description: 'Folder of the extensions that a lake needs; without it DuckDB installs them from its own site',
  },
  {
    key: 'lake_retention_hours',
    kind: 'number',
    min: 0,
    max: 87_600,
    default: 168,
    group: 'Destination',
    label: 'Retention of the lake',
    local: true,
    description: 'Hours for which a lake can be queried as of an earlier sync; `maintain` forgets what is older',
  },
  {
    key: 'publish_path',
    kind: 'path',
    group: 'Destination',
    label: 'Published copies',
    local: true,
    description:
      'Folder that gets a copy of the warehouse file after each sync that changed anything, for others to read at any time',
  },
  {
    key: 'publish_keep',
    kind: 'integer',
    min: 1,
    max: 1_000,
    default: 2,
    group: 'Destination',
    label: 'Published copies to keep',
    local: true,
    description: 'How many copies of `publish_path` stay; older ones are deleted',
  },
  {
    key: 'state_path',
    flag: 'state',
    kind: 'path',
    default: 'files/state.json',
    group: 'Destination',
    label: 'State file',
    local: true,
    description: 'Readable copy of the state in the warehouse',
  },
  {
    key: 'destination_schema',
    kind: 'string',
    default: 'tester',
    group: 'Destination',
    label: 'Destination schema',
    local: true,
    description: 'Schema of the warehouse or lake that holds the tables',
  },
  {
    key: 'destination_table',
    kind: 'string',
    default: 'source_{schema}_{table}',
    group: 'Destination',
    label: 'Table names',
    local: true,
    description:
      'Names of the tables in the warehouse: letters, digits, underscores, `{table}`, and `{schema}` where tables of several schemas have one name; tables that are there are renamed',
    example: '{schema}__{table}',
  },
  {
    key: 'naming',
    kind: 'enum',
    choices: ['source', 'fivetran'],
    default: 'source',
    group: 'Destination',
    label: 'Naming',
    local: true,
    description: 'Names as in the source, or as Fivetran writes them',
  },
  {
    key: 'debug',
    kind: 'boolean',
    default: false,
    group: 'Output',
    label: 'Debug',
    description: 'Log more, and print stack traces',
  },
  {
    key: 'log_level',
    kind: 'enum',
    choices: ['debug', 'info', 'warning', 'severe'],
    group: 'Output',
    label: 'Log level',
    local: true,
    description: 'Least level that is logged; without it `info`, or `debug` with that option',
  },
  {
    key: 'log_format',
    kind: 'enum',
    choices: ['text', 'json'],
    default: 'text',
    group: 'Output',
    label: 'Log format',
    local: true,
    description: 'Lines for people, or one JSON object a line',
  },
  {
    key: 'report_path',
    flag: 'report',
    kind: 'path',
    group: 'Watching',
    label: 'Report',
    local: true,
    description: 'HTML file that is written after the sync: charts, timeline, warnings, what to change',
    example: 'last-sync.html',
  },
  {
    key: 'metrics_port',
    kind: 'integer',
    min: 0,
    max: 65_535,
    group: 'Watching',
    label: 'Metrics port',
    local: true,
    description:
      'Port of a live page, Prometheus metrics (/metrics) and health (/healthz, /readyz); 0: any free one; without it, nothing listens',
    example: '9464',
  },
  {
    key: 'metrics_host',
    kind: 'string',
    default: '127.0.0.1',
    group: 'Watching',
    label: 'Metrics address',
    local: true,
    description: 'Address that the metrics port is opened on; everyone who can reach it sees table names',
  },
  {
    key: 'on_failure',
    kind: 'command',
    orUrl: true,
    group: 'Hooks',
    label: 'On failure',
    local: true,
    description: 'Command or webhook that is told when a sync has failed, or some of its tables; see docs/RUNBOOK.md',
    example: 'https://hooks.example.com/T0/B0',
  },
  {
    key: 'on_success',
    kind: 'command',
    orUrl: true,
    group: 'Hooks',
    label: 'On success',
    local: true,
    description: 'Command or webhook that is told when a sync has brought every table',
    example: '/usr/local/bin/note-sync',
  },
  {
    key: 'fleet_sources',
    kind: 'path',
    default: 'sources',
    group: 'Fleet',
    label: 'Sources of the fleet',
    local: true,
    description: 'Folder of configuration files, one for each source that `pgsluice fleet` syncs',
  },
  {
    key: 'fleet_queue',
    kind: 'string',
    group: 'Fleet',
    label: 'Queue of the fleet',
    local: true,
    description:
      'Where the fleet has its queue: a PostgreSQL connection string; without it, the database of the catalog',
    example: 'postgresql://fleet@db.example.com/fleet',
  },
  {
    key: 'fleet_readers',
    kind: 'integer',
    min: 1,
    max: 64,
    default: 4,
    group: 'Fleet',
    label: 'Connections of a source',
    local: true,
    description: 'Connections to one source over all workers; may stand in the file of a source as well',
  },
  {
    key: 'fleet_jobs',
    kind: 'integer',
    min: 1,
    max: 64,
    default: 2,
    group: 'Fleet',
    label: 'Jobs of a worker',
    local: true,
    description: 'Jobs that one worker does at the same time',
  },
  {
    key: 'fleet_part_megabytes',
    kind: 'integer',
    min: 1,
    max: 10_000_000,
    default: 256,
    group: 'Fleet',
    label: 'Parts of a first load',
    local: true,
    description: 'A first load of a table of twice the size and more is cut into parts, which several workers load',
  },
  {
    key: 'fleet_drain_seconds',
    kind: 'integer',
    min: 0,
    max: 86_400,
    default: 20,
    group: 'Fleet',
    label: 'Time to drain',
    local: true,
    description: 'Seconds that a worker which is told to stop gives its jobs, before it hands them back',
  },
  {
    key: 'fleet_maintain',
    kind: 'string',
    default: '0 3 * * *',
    group: 'Fleet',
    label: 'Maintenance of the fleet',
    local: true,
    description: 'When the lake is maintained, as cron in UTC',
  },
] as const satisfies readonly OptionDeclaration[];

export const OPTIONS: readonly OptionDeclaration[] = TABLE;

type Declared = (typeof TABLE)[number];

type ValueOf<O extends Declared> = O extends { kind: 'integer' | 'number' | 'duration' }
  ? number
  : O extends { kind: 'boolean' }
    ? boolean
    : O extends { choices: readonly (infer Choice)[] }
      ? Choice
      : O extends { kind: 'list' }
        ? readonly string[]
        : string;

/** One value per option, typed by its declaration; undefined where it was not given and has no default. */
export type OptionValues = {
  readonly [O in Declared as O['key']]:
    ValueOf<O> | (O extends { default: unknown } | { kind: 'list' } ? never : undefined);
};

/** The command line's name of an option, without dashes; undefined where it has none. */
export function flagOf(option: OptionDeclaration): string | undefined {
  if (option.flag === false) return undefined;
  return option.flag ?? option.key.replaceAll('_', '-');
}

/** Environment variables that set an option, the strongest first. */
export function environmentNamesOf(option: OptionDeclaration): readonly string[] {
  return [`PGSLUICE_${option.key.toUpperCase()}`, ...(option.moreEnvironment ?? [])];
}
