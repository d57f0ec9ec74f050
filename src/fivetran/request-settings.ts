/** Turns a request's configuration map into settings, by the rules of the configuration file. */
import { devNull } from 'node:os';
import { ConnectorError } from '../common/errors';
import { loadSettings, type LoadedSettings } from '../config/load-settings';
import { nearest } from '../config/nearest';
import { OPTIONS } from '../config/options';
import type { Settings } from '../config/settings';
import { FORM_ONLY_KEYS } from './configuration-form';
import type { SecondsType } from './wire-schema';
import { DEFAULT_TABLE_TEMPLATE } from '../model/table-template';

export type ConfigurationMap = Readonly<Record<string, string>>;

export interface RequestSettings extends LoadedSettings {
  readonly withSchema: boolean;
}

/** The settings that the service was started with count for every request. */
export type ServiceSettings = Pick<Settings, 'transformations' | 'logLevel' | 'warehousePath'> & {
  /** PostgreSQL's password file that may have what a request leaves empty. */
  readonly passfile?: string | undefined;
};

/** The one option that only the service knows. */
const WITH_SCHEMA = 'with_schema';
const PLACE = 'the connection';

/** Rejects with a ConnectorError of kind configuration that has a sentence for each problem. */
export function settingsOfRequest(
  configuration: ConfigurationMap | undefined,
  service: ServiceSettings,
  cwd: string,
): RequestSettings {
  const given = Object.entries(configuration ?? {});
  const local = OPTIONS.filter((option) => option.local === true).map((option) => option.key);
  // An empty field of the form counts as missing.
  const values = new Map(given.filter(([key, value]) => !local.includes(key) && (value !== '' || key === 'password')));
  const problems = unknownKeys(given.map(([key]) => key));
  problems.push(...missing(values, service.passfile !== undefined));
  const paths = pathsOf(values);
  problems.push(...paths);
  // The file is not even opened.
  if (paths.length > 0) for (const key of JSON_OPTIONS.keys()) values.delete(key);
  const withSchema = values.get(WITH_SCHEMA);
  if (withSchema !== undefined && !/^(?:true|false)$/i.test(withSchema.trim()))
    problems.push(`${WITH_SCHEMA} (${PLACE}) must be true or false.`);
  for (const key of FORM_ONLY_KEYS) values.delete(key);
  let loaded: LoadedSettings | undefined;
  try {
    loaded = loadSettings({
      flags: {},
      env: {},
      cwd,
      passfile: service.passfile,
      file: { path: PLACE, exists: true, values, problems: [] },
    });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    // Missing keys get sentences of their own here, without flags and environment.
    problems.push(...error.message.split('\n').filter((line) => !/ is missing; /.test(line)));
  }
  if (problems.length === 0 && loaded === undefined)
    problems.push(`password is missing; fill in the field "Password", or add its line to ${service.passfile ?? ''}.`);
  if (problems.length > 0 || loaded === undefined) {
    throw new ConnectorError(problems.join('\n'), { code: 'configuration_invalid', kind: 'configuration' });
  }
  const ignored = given.filter(([key]) => local.includes(key)).map(([key]) => key);
  return {
    ...loaded,
    warnings: ignored.map((key) => `The option ${key} is one of the command line, and is ignored here.`),
    withSchema: withSchema?.trim().toLowerCase() === 'true',
    settings: {
      ...loaded.settings,
      transformations: service.transformations,
      // Nothing of a request is kept on this machine: the platform keeps data and state.
      destination: 'null',
      warehousePath: service.warehousePath,
      statePath: devNull,
      naming: 'source',
      destinationTable: DEFAULT_TABLE_TEMPLATE,
      logFormat: 'json',
      logLevel: loaded.settings.debug ? 'debug' : service.logLevel,
    },
  };
}

/**
 * The values of a refused configuration that no message may show: secrets, and values under an unknown key, which may
 * be a misspelt secret. A number tells nothing, and masking it would make the sentences unreadable.
 */
export function secretsOf(configuration: ConfigurationMap | undefined): readonly string[] {
  const plain = [...OPTIONS.filter((option) => option.secret !== true).map(({ key }) => key), ...FORM_ONLY_KEYS];
  return Object.entries(configuration ?? {})
    .filter(([key]) => !plain.includes(key))
    .map(([, value]) => value);
}

/** Options that are JSON, or the path of a file with it, with an example of each. */
const JSON_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['table_options', '{"public.orders": {"mode": "xmin"}}'],
  ['columns', '{"public.people.email": "hash"}'],
]);

/** Options that could name a file of this machine, to which a client must have no access. */
function pathsOf(values: ReadonlyMap<string, string>): string[] {
  const driver = values.get('driver')?.trim() ?? '';
  return [
    ...(/[\\/]/.test(driver)
      ? [`driver (${PLACE}) must be the name of an installed ODBC driver, no path; \`odbcinst -q -d\` lists them.`]
      : []),
    ...[...JSON_OPTIONS].flatMap(([key, example]) => {
      const text = values.get(key)?.trim() ?? '';
      return text === '' || text.startsWith('{') ? [] : [`${key} (${PLACE}) must be JSON, no path: ${example}.`];
    }),
  ];
}

function unknownKeys(keys: readonly string[]): string[] {
  const known = [...OPTIONS.map((option) => option.key), ...FORM_ONLY_KEYS];
  return keys
    .filter((key) => !known.includes(key))
    .map((key) => {
      if (key.trim() === '') return `An option without a name was given (${PLACE}); remove it.`;
      const meant = nearest(key, known);
      const shown = key.length > 60 ? `${key.slice(0, 60)}…` : key;
      return `The option "${shown}" (${PLACE}) is unknown; ${meant === undefined ? 'remove it.' : `did you mean "${meant}"?`}`;
    });
}

function missing(values: ReadonlyMap<string, string>, hasPassfile: boolean): string[] {
  if (values.has('dsn')) return [];
  const mayLack = (key: string): boolean => values.has(key) || (hasPassfile && key === 'password');
  return OPTIONS.filter((option) => option.required === true && !mayLack(option.key)).map(
    (option) => `${option.key} is missing; fill in the field "${option.label}".`,
  );
}

/** The type of `sync_timestamp` by the configuration. */
export function secondsTypeOf(settings: Settings): SecondsType {
  return settings.typeMode === 'python' ? 'float32' : 'float64';
}
