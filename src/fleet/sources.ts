/** The sources of a fleet: a folder of configuration files, each of one source. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConnectorError } from '../common/errors';
import { readConfigurationFile, type ConfigurationFile } from '../config/configuration-file';
import { loadSettings, OF_A_SOURCE, type LoadedSettings } from '../config/load-settings';
import { nearest } from '../config/nearest';
import { environmentNamesOf, OPTIONS } from '../config/options';
import type { Settings } from '../config/settings';
import { catalogKind } from '../destinations/lake-names';

export interface FleetSource {
  readonly name: string;
  readonly file: string;
  /** Cron in UTC; null: it is synced on demand only. */
  readonly schedule: string | null;
  /** All that its file says; its password is not looked for. */
  readonly settings: Settings;
  /** Finds the password as well. Throws where this host has none. */
  load(): LoadedSettings;
}

/** What a command of the fleet was started with. */
export interface FleetSetup {
  /** The path of the fleet's own configuration file. */
  readonly settings: Settings;
  readonly configurationPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface SourceFile {
  readonly name: string;
  readonly schedule: string | null;
  readonly file: ConfigurationFile;
}

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/i;
/** They are the same for all sources of a fleet. */
const SHARED = {
  destination: 'destination',
  lake_catalog: 'lakeCatalog',
  lake_data_path: 'lakeDataPath',
  lake_extensions: 'lakeExtensions',
  lake_retention_hours: 'lakeRetentionHours',
} as const;

/**
 * Reads the folder, by name. Throws one sentence for each mistake.
 * `cronProblem` says what is wrong with a schedule.
 */
export function readSources(
  setup: FleetSetup,
  cronProblem: (cron: string) => string | undefined,
): readonly FleetSource[] {
  assertLake(setup.settings);
  const folder = setup.settings.fleet.sources;
  const { maintain } = setup.settings.fleet;
  const problems: string[] = [];
  const noMaintenance = cronProblem(maintain);
  if (noMaintenance !== undefined) problems.push(noCron(`The schedule "${maintain}" of fleet_maintain`, noMaintenance));
  const sources: FleetSource[] = [];
  for (const file of filesIn(folder)) {
    const found = readSource(setup, file, cronProblem);
    if (typeof found === 'string') problems.push(found);
    else sources.push(found);
  }
  problems.push(...doubled(sources, 'name', ({ name }) => name));
  problems.push(...doubled(sources, 'destination_schema', ({ settings }) => settings.destinationSchema));
  if (problems.length > 0) throw wrong(problems.join('\n'));
  return sources.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The source of that name; an unknown one is refused, with the nearest name that there is. */
export function sourceNamed(sources: readonly FleetSource[], name: string, folder: string): FleetSource {
  const found = sources.find((source) => source.name === name);
  if (found !== undefined) return found;
  const meant = nearest(
    name,
    sources.map((source) => source.name),
  );
  const advice =
    meant === undefined ? '`pgsluice fleet sources` lists those that there are.' : `Did you mean ${meant}?`;
  throw wrong(`There is no source ${name} in ${folder}.`, advice, 'fleet_source_unknown');
}

/** A fleet writes one lake that many processes can write at once. */
function assertLake({ destination, lakeCatalog }: Settings): void {
  if (destination === 'ducklake' && catalogKind(lakeCatalog) === 'postgres') return;
  const has = destination === 'ducklake' ? 'a catalog that is a file' : `destination ${destination}`;
  throw wrong(
    `A fleet needs a lake that many processes can write, and this configuration has ${has}.`,
    'Set "destination" to ducklake and "lake_catalog" to a connection string of PostgreSQL.',
    'fleet_destination',
  );
}

function filesIn(folder: string): readonly string[] {
  let names;
  try {
    names = readdirSync(folder);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw wrong(
      `The folder of the fleet's sources, ${folder}, ${missing ? 'does not exist' : 'cannot be read'}.`,
      'Name it with "fleet_sources" or --fleet-sources.',
      'fleet_sources',
    );
  }
  const files = names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
  if (files.length === 0)
    throw wrong(
      `The folder of the fleet's sources, ${folder}, has no configuration file.`,
      'Write one for each source, NAME.json.',
      'fleet_sources',
    );
  return files.map((name) => join(folder, name));
}

/** A string says what is wrong with the file. */
function readSource(
  setup: FleetSetup,
  path: string,
  cronProblem: (cron: string) => string | undefined,
): FleetSource | string {
  const file = readConfigurationFile(path, true);
  if (file.problems.length > 0) return file.problems.join('\n');
  const name = file.values.get('name') ?? basename(path, '.json');
  if (!NAME.test(name))
    return `The name "${name.slice(0, 80)}" of ${path} must be letters, digits, "_", "." and "-", at most 63, and begin with one of the first two.`;
  const schedule = file.values.get('schedule') ?? null;
  const problem = schedule === null ? undefined : cronProblem(schedule);
  if (problem !== undefined) return noCron(`The schedule "${schedule ?? ''}" of source ${name} (${path})`, problem);
  const source = { name, schedule, file };
  try {
    const other = otherLake(setup, file);
    if (other !== undefined)
      return `${other} of source ${name} (${path}) is not that of ${setup.configurationPath}; all sources of a fleet share one lake, so leave it out.`;
    // An empty password is one: that of a server which asks for none.
    const { settings } = load(setup, source, { password: '' });
    return { name, file: path, schedule, settings, load: () => load(setup, source, {}) };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return `Source ${name} (${path}): ${error.describe()}`;
  }
}

/** The first key of the file that names another lake than the fleet's; it may name the same, for use without the fleet. */
function otherLake({ settings }: FleetSetup, file: ConfigurationFile): string | undefined {
  const named = Object.entries(SHARED).filter(([key]) => file.values.has(key));
  if (named.length === 0) return undefined;
  const own = loadSettings({ flags: {}, env: {}, cwd: dirname(file.path), file, groups: ['Destination'] }).settings;
  return named.find(([, setting]) => own[setting] !== settings[setting])?.[0];
}

function load(setup: FleetSetup, source: SourceFile, flags: Readonly<Record<string, string>>): LoadedSettings {
  const { path } = source.file;
  return loadSettings({
    flags,
    env: environmentFor(source.name, setup.env),
    cwd: dirname(path),
    file: { ...source.file, values: valuesOf(setup, source) },
    ofThisHost: true,
  });
}

/** The fleet's own file says what the source's does not. */
function valuesOf(setup: FleetSetup, { name, file }: SourceFile): ReadonlyMap<string, string> {
  const { settings } = setup;
  const values = new Map<string, string>([['destination_schema', name]]);
  const shared = readConfigurationFile(setup.configurationPath, false);
  for (const option of OPTIONS) {
    const text = shared.values.get(option.key);
    if (text === undefined || option.group === 'Watching') continue;
    values.set(option.key, option.kind === 'path' ? resolve(dirname(shared.path), text) : text);
  }
  values.set('fleet_readers', String(settings.fleet.readers));
  values.set('fleet_part_megabytes', String(settings.fleet.partMegabytes));
  for (const [key, text] of file.values) if (!OF_A_SOURCE.includes(key)) values.set(key, text);
  for (const { key, secret } of OPTIONS) {
    const text = values.get(key);
    if (text !== undefined && secret !== true) values.set(key, text.replaceAll('{name}', name));
  }
  for (const [key, setting] of Object.entries(SHARED)) {
    const value = settings[setting];
    if (value === undefined) values.delete(key);
    else values.set(key, String(value));
  }
  return values;
}

/** Name of the environment variable with a source's password. */
function passwordVariable(name: string): string {
  return `PGSLUICE_PASSWORD_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/** Variables that configure one sync would configure every source alike. */
function environmentFor(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const known = new Set(OPTIONS.flatMap(environmentNamesOf));
  const rest = Object.entries(env).filter(([key]) => !known.has(key) && !key.startsWith('PGSLUICE_'));
  return { ...Object.fromEntries(rest), PGSLUICE_PASSWORD: env[passwordVariable(name)] };
}

function noCron(subject: string, problem: string): string {
  return `${subject} is no cron expression: ${problem.replace(/\.$/, '')}. Write five fields, such as */15 * * * *.`;
}

function doubled(
  sources: readonly FleetSource[],
  what: string,
  valueOf: (source: FleetSource) => string,
): readonly string[] {
  const first = new Map<string, FleetSource>();
  return sources.flatMap((source) => {
    const value = valueOf(source).toLowerCase();
    const other = first.get(value);
    if (other === undefined) {
      first.set(value, source);
      return [];
    }
    return [
      `${other.file} and ${source.file} have the same ${what}, "${valueOf(source)}"; give each source one of its own.`,
    ];
  });
}

function wrong(message: string, hint?: string, code = 'configuration_invalid'): ConnectorError {
  return new ConnectorError(message, { code, kind: 'configuration', ...(hint === undefined ? {} : { hint }) });
}
