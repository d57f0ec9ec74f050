import { ConnectorError } from '../common/errors';
import { configurationPath, readConfigurationFile, type ConfigurationFile } from './configuration-file';
import { secretsOfHook } from './hook-target';
import { nearest } from './nearest';
import { parseOption, type ValueOrigin } from './option-values';
import {
  environmentNamesOf,
  flagOf,
  OPTIONS,
  type OptionDeclaration,
  type OptionGroup,
  type OptionValue,
  type OptionValues,
} from './options';
import { findPassword, namedPassword } from './find-password';
import type { NamedSource } from './password-source';
import { hashes, parseColumnRules } from './column-rules';
import { readHashKey } from './hash-key';
import { parseTableOptions } from './table-options';
import type { Settings } from './settings';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface LoadSettingsInput {
  /** The value of --configuration. */
  readonly configurationPath?: string | undefined;
  /** Texts of the command line's flags, by configuration key. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Only these groups are read and checked, for commands that connect to nothing. Missing: all. */
  readonly groups?: readonly OptionGroup[] | undefined;
  /** The file is not even opened, for commands that report its faults themselves. */
  readonly withoutFile?: true;
  /** The configuration of a request, which stands in place of the file. */
  readonly file?: ConfigurationFile;
  /** That configuration was read from this host, whose password file counts as for any other. */
  readonly ofThisHost?: true;
  /** For a request, the password file of PostgreSQL that may have its password. */
  readonly passfile?: string | undefined;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** One sentence each, to be logged. */
  readonly warnings: readonly string[];
  /** Values that no output may show. */
  readonly secrets: readonly string[];
  /** Where the password comes from, for people; undefined where there is none, or it was not looked for. */
  readonly passwordFrom?: string | undefined;
}

interface FoundText {
  readonly text: string;
  readonly origin: ValueOrigin;
  /** 0: flag, 1: environment, 2: configuration file. */
  readonly level: number;
}

/**
 * Merges the sources: flag before environment before configuration file before default. It collects every problem
 * first, so that one run shows them all, one sentence a line.
 */
export function loadSettings(input: LoadSettingsInput): LoadedSettings {
  const { path, named } = configurationPath(input.configurationPath, input.env, input.cwd);
  const file =
    input.file ??
    (input.withoutFile === true
      ? { path, exists: false, values: new Map<string, string>(), problems: [] }
      : readConfigurationFile(path, named));
  const problems = [...file.problems];
  const warnings = [...unknownKeys(file), ...misspeltEnvironment(input), ...twoPasswords(input, file)];
  // A request has no folder, so all of its paths are the service's.
  const directory = input.file === undefined ? dirname(path) : input.cwd;
  const values: Record<string, OptionValue | undefined> = {};
  const missing: OptionDeclaration[] = [];
  const secrets: string[] = [];
  const passwords: NamedSource[] = [];
  // Where their value was found, since it may be a path.
  const directories = { table_options: directory, columns: directory };
  // A file that could not be understood may hold the key that seems to be missing.
  const checkMissing = file.problems.length === 0;

  for (const option of OPTIONS) {
    values[option.key] = defaultOf(option, directory);
    const found = findText(option, input, file);
    if (found !== undefined && option.secret === true && found.text !== '') secrets.push(found.text);
    if (found !== undefined && option.kind === 'command') secrets.push(...secretsOfHook(found.text));
    if (!examines(input, option.group)) continue;
    if (found === undefined) {
      if (option.required === true && checkMissing) missing.push(option);
      continue;
    }
    const parsed = parseOption(option, found.text, found.origin);
    if ('value' in parsed) {
      values[option.key] = parsed.value;
      passwords.push(...namedPassword(option.key, parsed.value, found));
    } else problems.push(parsed.problem);
    if (option.key in directories) directories[option.key as keyof typeof directories] = found.origin.directory;
  }
  warnings.push(...warehouseLeftBehind(values['warehouse_path'], input, directory));

  // A data source of odbc.ini may hold server, database and login.
  const needed = values['dsn'] === undefined ? missing : [];
  const { env, file: request, passfile } = input;
  const looksForPassword = examines(input, 'Connection') && problems.length === 0 && needed.every(isPassword);
  const password = looksForPassword
    ? findPassword(passwords, values, { env, request: request !== undefined && input.ofThisHost !== true, passfile })
    : {};
  if (password.found !== undefined) {
    values['password'] = password.found.password;
    secrets.push(password.found.password);
  }
  warnings.push(...(password.warnings ?? []));
  problems.push(...(password.problems ?? []));
  const answered = passwords.length > 0 || password.found !== undefined;
  problems.push(
    ...needed.filter((option) => !(answered && isPassword(option))).map((option) => missingSentence(option, file)),
  );
  if (problems.length > 0) {
    throw new ConnectorError(problems.join('\n'), {
      ...{ code: 'configuration_invalid', kind: 'configuration' },
      ...(file.exists || missing.length === 0 ? {} : { hint: 'Or let `pgsluice init` ask for everything.' }),
    });
  }
  // The declaration that parsed each value is also the one its type is derived from.
  const typed = values as unknown as OptionValues;
  const columns = typed.columns === undefined ? [] : parseColumnRules(typed.columns, directories.columns);
  const hashKey = readHashKey({ text: typed.hash_key, path: typed.hash_key_file }, hashes(columns));
  if (hashKey !== undefined) secrets.push(hashKey.secret);
  warnings.push(...(hashKey?.warnings ?? []));
  const settings = {
    ...toSettings(typed, directories.table_options),
    columns,
    hashKey: hashes(columns) ? hashKey?.key : undefined,
  };
  return {
    settings,
    warnings,
    secrets: [...new Set(secrets)].filter((secret) => secret !== '' && !isShownAnyway(secret, settings)),
    ...(password.found === undefined ? {} : { passwordFrom: password.found.from }),
  };
}

/** What the file of a source says to the fleet alone (src/fleet/sources). */
export const OF_A_SOURCE: readonly string[] = ['name', 'schedule'];

const isPassword = (option: OptionDeclaration): boolean => option.key === 'password';

/**
 * Whether the password is also the name of the user or the database. Masking that name in every line would tell the
 * password.
 */
function isShownAnyway(secret: string, { username, database }: Settings): boolean {
  return /^[a-z][a-z_]*$/i.test(secret) && [username, database].includes(secret);
}

/** The text that counts. An empty text counts as none, but an empty password in the file is a choice (trust login). */
function findText(option: OptionDeclaration, input: LoadSettingsInput, file: ConfigurationFile): FoundText | undefined {
  const flag = input.flags[option.key];
  if (flag !== undefined) {
    return { level: 0, text: flag, origin: { name: `--${flagOf(option) ?? option.key}`, directory: input.cwd } };
  }
  for (const name of environmentNamesOf(option)) {
    const text = input.env[name];
    if (text !== undefined && text !== '') return { level: 1, text, origin: { name, directory: input.cwd } };
  }
  const text = file.values.get(option.key);
  if (text === undefined || (text.trim() === '' && option.kind !== 'password')) return undefined;
  return { level: 2, text, origin: { name: file.path, directory: dirname(file.path) } };
}

const examines = ({ groups }: LoadSettingsInput, group: OptionGroup): boolean => groups?.includes(group) ?? true;

/** Says which of two passwords counts, where a user may not expect it; never what they are. */
function twoPasswords(input: LoadSettingsInput, file: ConfigurationFile): readonly string[] {
  // A flag wins over both.
  if (input.flags['password_file'] !== undefined || input.flags['password_command'] !== undefined) return [];
  return OPTIONS.filter((option) => option.secret === true && examines(input, option.group)).flatMap((option) => {
    const stored = file.values.get(option.key) ?? '';
    const name = environmentNamesOf(option).find((each) => (input.env[each] ?? '') !== '');
    if (name === undefined || stored === '' || stored === input.env[name]) return [];
    return [`The ${option.key} is taken from the environment variable ${name}; ${file.path} has another one.`];
  });
}

/** The default paths were once relative to the working directory, so a user may think a warehouse there is lost. */
function warehouseLeftBehind(
  path: OptionValue | undefined,
  input: LoadSettingsInput,
  directory: string,
): readonly string[] {
  const { default: name } = OPTIONS.find(({ key }) => key === 'warehouse_path') as { readonly default: string };
  const before = resolve(input.cwd, name);
  if (!examines(input, 'Destination')) return [];
  if (path === before || path !== resolve(directory, name) || existsSync(path) || !existsSync(before)) return [];
  return [
    `There is no warehouse at ${path}, but one at ${before}: default paths begin at the configuration file's folder, not at the working directory. ` +
      'If that one is meant, name it with "warehouse_path", and its state with "state_path".',
  ];
}

function defaultOf(option: OptionDeclaration, directory: string): OptionValue | undefined {
  if (option.kind === 'list') return [];
  if (option.kind === 'password' || option.kind === 'command' || option.kind === 'duration') return undefined;
  if (option.kind === 'path') return option.default === undefined ? undefined : resolve(directory, option.default);
  return option.default;
}

function missingSentence(option: OptionDeclaration, file: ConfigurationFile): string {
  const flag = flagOf(option);
  const [variable = ''] = environmentNamesOf(option);
  if (isPassword(option)) return `${missingIn(option, file)}, or set ${variable}, password_file or password_command.`;
  const elsewhere = flag === undefined ? variable : `--${flag} or ${variable}`;
  return `${missingIn(option, file)}, or set ${elsewhere}.`;
}

function missingIn({ key }: OptionDeclaration, file: ConfigurationFile): string {
  const place = file.exists ? `add it to ${file.path}` : `write it into ${file.path}, which does not exist yet`;
  return `${key} is missing; ${place}`;
}

function unknownKeys(file: ConfigurationFile): readonly string[] {
  const known = OPTIONS.map((option) => option.key);
  return [...file.values.keys()]
    .filter((key) => !known.includes(key) && !OF_A_SOURCE.includes(key))
    .map((key) => {
      const meant = nearest(key, known);
      const advice = meant === undefined ? 'remove it.' : `did you mean "${meant}"?`;
      return `The key "${key}" of ${file.path} is unknown and ignored; ${advice}`;
    });
}

/** Only names that nearly match one of ours are reported: other programs may use the prefix too. */
function misspeltEnvironment({ env, groups }: LoadSettingsInput): readonly string[] {
  // Passwords of the sources of a fleet, by their names.
  const ofFleet = groups?.includes('Fleet') === true;
  const known = OPTIONS.flatMap(environmentNamesOf);
  const bare = known.map((name) => name.replace('PGSLUICE_', ''));
  return Object.keys(env)
    .filter((name) => name.startsWith('PGSLUICE_') && !known.includes(name))
    .filter((name) => !ofFleet || !name.startsWith('PGSLUICE_PASSWORD_'))
    .flatMap((name) => {
      const meant = nearest(name.replace('PGSLUICE_', ''), bare);
      return meant === undefined
        ? []
        : [`The environment variable ${name} is unknown and ignored; did you mean PGSLUICE_${meant}?`];
    });
}

function toSettings(values: OptionValues, optionsDirectory: string): Omit<Settings, 'columns' | 'hashKey'> {
  return {
    driver: values.driver,
    dsn: values.dsn,
    host: values.host,
    port: values.port,
    database: values.database,
    username: values.username,
    password: values.password,
    sslmode: values.sslmode,
    sslrootcert: values.sslrootcert,
    sslcert: values.sslcert,
    sslkey: values.sslkey,
    region: values.region,
    maxRetries: values.max_retries,
    retrySleepSeconds: values.retry_sleep_seconds,
    debug: values.debug,
    tableFilters: values.table_filters,
    includeViews: values.include_views,
    columnsUnlisted: values.columns_unlisted,
    columnsDenied: values.columns_denied,
    typeMode: values.type_mode,
    syncMode: values.sync_mode,
    tableOptions: values.table_options === undefined ? [] : parseTableOptions(values.table_options, optionsDirectory),
    slotName: values.slot_name,
    publicationName: values.publication_name,
    reconcileEvery: values.reconcile_every,
    verifyEverySeconds: values.verify_every,
    verifyBudgetSeconds: values.verify_budget_seconds,
    maxDeletes: values.max_deletes,
    metadataHistory: values.metadata_history,
    fullResync: values.full_resync ?? [],
    schemaDrift: values.schema_drift,
    timestampWindowSeconds: values.timestamp_window_seconds,
    batchMode: values.batch_mode,
    customBatchSize: values.custom_batch_size,
    customThreads: values.custom_threads,
    customQueueSize: values.custom_queue_size,
    statementTimeoutSeconds: values.statement_timeout_seconds,
    lockTimeoutSeconds: values.lock_timeout_seconds,
    stallTimeoutSeconds: values.stall_timeout_seconds,
    batchBytes: values.batch_bytes,
    connectionTimeoutHours: values.connection_timeout_hours,
    snapshotMaxAgeSeconds: values.snapshot_max_age_seconds,
    transformations: values.transformations,
    destination: values.destination,
    warehousePath: values.warehouse_path,
    lakeCatalog: values.lake_catalog,
    lakeDataPath: values.lake_data_path,
    lakeExtensions: values.lake_extensions,
    lakeRetentionHours: values.lake_retention_hours,
    publishPath: values.publish_path,
    publishKeep: values.publish_keep,
    statePath: values.state_path,
    destinationSchema: values.destination_schema,
    destinationTable: values.destination_table,
    naming: values.naming,
    logFormat: values.log_format,
    logLevel: values.log_level ?? (values.debug ? 'debug' : 'info'),
    reportPath: values.report_path,
    metricsPort: values.metrics_port,
    metricsHost: values.metrics_host,
    onFailure: values.on_failure,
    onSuccess: values.on_success,
    fleet: {
      sources: values.fleet_sources,
      queue: values.fleet_queue,
      readers: values.fleet_readers,
      jobs: values.fleet_jobs,
      partMegabytes: values.fleet_part_megabytes,
      drainSeconds: values.fleet_drain_seconds,
      maintain: values.fleet_maintain,
    },
  };
}
