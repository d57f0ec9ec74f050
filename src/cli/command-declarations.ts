/** The commands and their own options. Parser, help, suggestions and shell completion are made from this. */
import type { OptionGroup } from '../config/options';
import { FLEET_DECLARATION } from './fleet-declaration';

export type CommandName =
  | 'sync'
  | 'reconcile'
  | 'verify'
  | 'plan'
  | 'check'
  | 'status'
  | 'query'
  | 'tables'
  | 'monitor'
  | 'init'
  | 'reset'
  | 'forget'
  | 'log'
  | 'maintain'
  | 'fleet'
  | 'serve'
  | 'completion';

/** An option of one command; the configuration file has none of these. */
export interface SwitchDeclaration {
  /** Without dashes. */
  readonly flag: string;
  readonly kind: 'boolean' | 'text';
  readonly alias?: string;
  readonly describe: string;
}

export interface CommandDeclaration {
  readonly name: CommandName;
  readonly aliases: readonly string[];
  readonly describe: string;
  /** The groups whose options it takes; undefined: all. */
  readonly groups?: readonly OptionGroup[];
  readonly switches?: readonly SwitchDeclaration[];
  /** A switch with which it connects to nothing, and needs to know only where the files are. */
  readonly localWith?: string;
  /** A switch with which it takes more options, and must have those that are required. */
  readonly more?: { readonly flag: string; readonly groups: readonly OptionGroup[] };
  /** Flags with presets that the user's own flags replace. */
  readonly presets?: Readonly<Record<string, string>>;
  /** One optional word after the command's name. */
  readonly positional?: {
    readonly name: string;
    readonly describe: string;
    readonly choices?: readonly string[];
    /** Any number of words, which the switches hold one per line. */
    readonly many?: true;
  };
  readonly examples: readonly (readonly [string, string])[];
}

/** Commands that make no connection only need to know where the files are. */
export const LOCAL_GROUPS: readonly OptionGroup[] = ['Destination', 'Output'];
/** For commands that connect but move no data: there is no sync to watch. */
const LOOKING_GROUPS: readonly OptionGroup[] = [
  'Connection',
  'Tables',
  'Privacy',
  'Reading',
  'Retries',
  ...LOCAL_GROUPS,
];

const YES: SwitchDeclaration = { flag: 'yes', kind: 'boolean', alias: 'force', describe: 'Do not ask' };
const JSON_SWITCH: SwitchDeclaration = { flag: 'json', kind: 'boolean', describe: 'Print one JSON document' };

const WAIT: SwitchDeclaration = {
  flag: 'wait',
  kind: 'text',
  describe: 'Wait so long (30s, 15m, 1h) for a sync that has the warehouse',
};

export const COMMANDS: readonly CommandDeclaration[] = [
  {
    name: 'sync',
    aliases: ['debug'],
    describe: 'Replicate the tables into the warehouse',
    switches: [
      JSON_SWITCH,
      {
        flag: 'every',
        kind: 'text',
        describe:
          'Go on: a sync at each tick (30s, 15m, 1h, 1d), until a signal comes; the configuration is read anew each time',
      },
      { flag: 'reconcile', kind: 'boolean', describe: 'Look for deleted rows as well, by comparing all keys' },
    ],
    examples: [
      ['$0 sync', 'with ./configuration.json'],
      ['$0 sync --configuration shop.json --table-filters "public.*,!*_old"', 'only some tables'],
      ['$0 sync --metrics-port 9464', 'with a live page and metrics on this machine'],
      ['$0 sync --report last.html', 'with the same page as a file, afterwards'],
      ['$0 sync --every 15m', 'without cron or systemd'],
      ['$0 sync --json', 'with a summary for scripts on standard output, and the log on standard error'],
    ],
  },
  {
    name: 'reconcile',
    aliases: [],
    describe: 'Mark rows deleted that the source no longer has, by comparing keys only',
    switches: [JSON_SWITCH],
    examples: [
      ['$0 reconcile', 'every table that has a key'],
      ['$0 reconcile --table-filters public.orders', 'one table'],
    ],
  },
  {
    name: 'verify',
    aliases: [],
    describe: 'Compare every value of source and warehouse, and show where they differ',
    groups: LOOKING_GROUPS,
    localWith: 'check',
    switches: [
      JSON_SWITCH,
      {
        flag: 'show',
        kind: 'text',
        describe: 'Show so many rows of each table that differ, with both values [default: 0]',
      },
      { flag: 'sample', kind: 'text', describe: 'Compare only this share of each table [default: 100%]' },
      { flag: 'certificate', kind: 'text', describe: 'Write what was found equal into this file, with checksums' },
      { flag: 'check', kind: 'text', describe: 'Compare the warehouse with such a file, without the source' },
    ],
    examples: [
      ['$0 verify', 'exit code 0: equal, 6: different'],
      ['$0 verify --show 10', 'with rows and values'],
      ['$0 verify --sample 1%', 'a part of very large tables'],
      ['$0 verify --certificate proof.json', 'with a file that says what was proven'],
      ['$0 verify --check proof.json --warehouse copy.db', 'whether a copy holds the same'],
    ],
  },
  {
    name: 'plan',
    aliases: [],
    describe: 'Show what a sync would read, and how, without reading it',
    groups: LOOKING_GROUPS,
    switches: [
      JSON_SWITCH,
      { flag: 'explain', kind: 'text', describe: 'Show the statements that would read this table (schema.table)' },
    ],
    examples: [
      ['$0 plan --custom-threads 2', 'with two readers'],
      ['$0 plan --explain public.orders', 'with the statements of one table'],
    ],
  },
  {
    name: 'check',
    aliases: [],
    describe: 'Look for everything that could stop a sync, and say what to do about it',
    groups: LOOKING_GROUPS,
    switches: [JSON_SWITCH],
    examples: [
      ['$0 check', 'a line for each thing that was looked at'],
      ['$0 check --json', 'for scripts; exit code 3: no connection, 4: something else'],
    ],
  },
  {
    name: 'status',
    aliases: [],
    describe: 'Show what the warehouse holds and how the last syncs went',
    groups: ['Tables', ...LOCAL_GROUPS],
    switches: [JSON_SWITCH],
    examples: [
      ['$0 status', 'reads the warehouse only, not the server'],
      ['$0 status --json --warehouse /data/shop.db', 'for scripts'],
    ],
  },
  {
    name: 'query',
    aliases: [],
    describe: 'Print what one SQL statement reads from the warehouse, which is not changed',
    groups: LOCAL_GROUPS,
    positional: { name: 'sql', describe: 'Statement; without it, standard input' },
    switches: [
      { flag: 'csv', kind: 'boolean', describe: 'Print CSV, all rows' },
      { ...JSON_SWITCH, describe: 'Print a JSON array of objects, all rows; what JavaScript would round is text' },
      WAIT,
    ],
    examples: [
      ['$0 query "SELECT * FROM tester.source_public_orders LIMIT 5"', 'as a table that fits the terminal'],
      ['$0 query --csv "FROM tester.source_public_orders" >orders.csv', 'all rows, exactly'],
    ],
  },
  {
    name: 'tables',
    aliases: [],
    describe: 'List the tables of the warehouse, with rows, last sync and size',
    groups: LOCAL_GROUPS,
    switches: [JSON_SWITCH, WAIT],
    examples: [['$0 tables', 'those of users included']],
  },
  {
    name: 'monitor',
    aliases: [],
    describe: 'Show memory, CPU and disk as a sync sees them, and what it would do about them',
    groups: LOCAL_GROUPS,
    switches: [
      JSON_SWITCH,
      { flag: 'once', kind: 'boolean', describe: 'One reading, then end' },
      { flag: 'interval', kind: 'text', describe: 'Seconds between two readings [default: 1]' },
    ],
    examples: [
      ['$0 monitor', 'until Ctrl-C'],
      ['$0 monitor --once --json', 'for scripts'],
    ],
  },
  {
    name: 'init',
    aliases: [],
    describe: 'Write a configuration file, readable by its owner only, and test it',
    groups: ['Connection', 'Tables', 'Output'],
    switches: [
      { ...YES, describe: 'Do not ask; replace an existing file by what the flags say' },
      { flag: 'test', kind: 'boolean', describe: 'Try the connection afterwards; --no-test does not [default: true]' },
      { flag: 'odbc-ini', kind: 'text', describe: 'Write a data source for other ODBC programs to this file as well' },
    ],
    examples: [
      ['$0 init', 'asks for what it needs; where there is a file, for what to change in it'],
      ['PGPASSWORD=… $0 init --host db --port 5432 --database shop --username reader', 'asks nothing'],
    ],
  },
  {
    name: 'reset',
    aliases: [],
    describe: 'Delete the warehouse and the state, and no other file, so that the next sync starts anew',
    groups: LOCAL_GROUPS,
    switches: [
      YES,
      {
        flag: 'drop-slot',
        kind: 'boolean',
        describe: 'Drop the replication slot of mode log on the source as well, before all else',
      },
    ],
    more: { flag: 'drop-slot', groups: LOOKING_GROUPS },
    examples: [
      ['$0 reset --yes', 'without being asked'],
      ['$0 reset --drop-slot', 'with the replication slot and the publication of mode log'],
    ],
  },
  {
    name: 'forget',
    aliases: [],
    describe: 'Remove tables from the state and the history: those that are gone from the source',
    groups: LOCAL_GROUPS,
    positional: { name: 'tables', describe: 'Tables as schema.table, or patterns as in table_filters', many: true },
    switches: [
      { flag: 'drop', kind: 'boolean', describe: 'Drop their tables from the warehouse as well' },
      { ...YES, describe: 'Do not ask before that' },
    ],
    examples: [
      ['$0 forget public.orders_old', 'its table in the warehouse stays'],
      ["$0 forget 'archive.*' --drop --yes", 'with the tables in the warehouse'],
    ],
  },
  {
    name: 'log',
    aliases: [],
    describe:
      'Set up mode log, which reads changes and deletes from the write-ahead log; show how it stands; take it down',
    groups: LOOKING_GROUPS,
    positional: {
      name: 'action',
      describe: 'What to do: setup prints the statements, status shows slot and log, drop ends both',
      choices: ['setup', 'status', 'drop'],
    },
    switches: [
      JSON_SWITCH,
      { flag: 'apply', kind: 'boolean', describe: 'setup: run the statements, rather than print them' },
      { ...YES, describe: 'drop: do not ask' },
    ],
    examples: [
      ['$0 log setup', 'the statements, for the owner of the tables; nothing is changed'],
      ['$0 log setup --apply', 'runs what is missing'],
      ['$0 log status', 'what the slot keeps on the disk of the source; exit code 4: it cannot be used'],
      ['$0 log drop --yes', 'the slot, and the publication if nobody else can need it'],
    ],
  },
  {
    name: 'maintain',
    aliases: [],
    describe: 'Make few files of many in a lake, and give back the room of what nobody needs any more',
    groups: LOCAL_GROUPS,
    switches: [JSON_SWITCH],
    examples: [
      ['$0 maintain', 'once a day, say'],
      [
        '$0 maintain --lake-retention-hours 0',
        'earlier states are forgotten; where a server keeps the catalog, those of the last day are kept',
      ],
    ],
  },
  FLEET_DECLARATION,
  {
    name: 'serve',
    aliases: [],
    describe: 'Offer the connector to Fivetran over gRPC; each request brings its own configuration',
    groups: ['Output'],
    // The platform reads the log from standard output, one object per line.
    presets: { log_format: 'json' },
    switches: [
      { flag: 'port', kind: 'text', describe: 'Port to listen on [default: 50051]' },
      {
        flag: 'host',
        kind: 'text',
        describe: 'Address to listen on; 0.0.0.0 is all of IPv4 [default: 127.0.0.1]',
      },
      { flag: 'tls-cert', kind: 'text', describe: "The service's certificate, a PEM file; connections use TLS" },
      { flag: 'tls-key', kind: 'text', describe: 'Its private key, a PEM file' },
      { flag: 'tls-client-ca', kind: 'text', describe: 'Authority whose certificates clients must show, a PEM file' },
      {
        flag: 'passfile',
        kind: 'text',
        describe: 'Password file of PostgreSQL (.pgpass) with the passwords that requests leave empty',
      },
      { flag: 'transformations', kind: 'text', describe: 'Module with transformations of your own, for every request' },
    ],
    examples: [
      ['$0 serve', 'until Ctrl-C or SIGTERM'],
      ['$0 serve --port 50052 --log-level warning', 'on another port'],
      ['$0 serve --host 0.0.0.0 --tls-cert service.crt --tls-key service.key', 'for other hosts'],
    ],
  },
  {
    name: 'completion',
    aliases: [],
    describe: 'Print a script that lets the Tab key complete commands and options',
    groups: [],
    positional: { name: 'shell', describe: 'By default the one in $SHELL', choices: ['bash', 'zsh', 'fish'] },
    examples: [
      ['source <($0 completion bash)', 'for this shell'],
      ['$0 completion fish > ~/.config/fish/completions/pgsluice.fish', 'for good'],
    ],
  },
];

export function declarationOf(name: CommandName): CommandDeclaration {
  const found = COMMANDS.find((command) => command.name === name);
  if (found === undefined) throw new Error(`No command ${name}.`);
  return found;
}
