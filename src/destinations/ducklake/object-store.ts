/** Credentials of object stores, from the environment variables that each store's own programs read. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal } from '../duckdb';
import { isAzure, isRemote } from '../lake-names';

type Environment = Readonly<Record<string, string | undefined>>;

/** Without any, the store is asked as a stranger would be. The secret lives as long as this DuckDB. */
export async function useCredentials(
  connection: DuckDBConnection,
  dataPath: string | undefined,
  env: Environment = process.env,
): Promise<void> {
  if (dataPath === undefined || !isRemote(dataPath)) return;
  // By itself, the extension looks for the authorities where Red Hat has them, and nowhere else (duckdb-azure, issue 185).
  // GLOBAL, since functions of DuckLake have connections of their own.
  if (isAzure(dataPath) && process.platform === 'linux')
    await connection.run("SET GLOBAL azure_transport_option_type = 'curl'");
  const secret = secretFor(dataPath, env);
  if (secret === undefined) return;
  const parts = secret.map(([name, value]) => `${name} ${literal(value)}`);
  await connection.run(`CREATE OR REPLACE SECRET pgsluice_store (${parts.join(', ')})`);
}

/** Options of DuckDB's CREATE SECRET; undefined where the environment says nothing. */
export function secretFor(dataPath: string, env: Environment): readonly (readonly [string, string])[] | undefined {
  const scheme = dataPath.slice(0, dataPath.indexOf(':')).toLowerCase();
  switch (scheme) {
    case 'gs':
    case 'gcs':
      return named('gcs', [
        ['KEY_ID', env['GCS_ACCESS_KEY_ID'] ?? env['AWS_ACCESS_KEY_ID']],
        ['SECRET', env['GCS_SECRET_ACCESS_KEY'] ?? env['AWS_SECRET_ACCESS_KEY']],
        // The variable of Google's own programs, which may be an address without a scheme.
        ...endpoint(env['STORAGE_EMULATOR_HOST']?.replace(/^(?!https?:)(?=.)/i, 'http://')),
      ]);
    case 'az':
    case 'azure':
    case 'abfss':
      return named('azure', azureAccess(env));
    default:
      return named('s3', [
        ['KEY_ID', env['AWS_ACCESS_KEY_ID']],
        ['SECRET', env['AWS_SECRET_ACCESS_KEY']],
        ['SESSION_TOKEN', env['AWS_SESSION_TOKEN']],
        ['REGION', env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION']],
        ...endpoint(env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']),
      ]);
  }
}

/**
 * The variables are those of Azure's command line. With the name of an account alone, DuckDB's provider `config` would come
 * as a stranger, who may write nowhere. So Azure's own library looks for who we are: by AZURE_CLIENT_ID and the like, a
 * workload's or a machine's identity, or `az login`.
 */
function azureAccess(env: Environment): readonly (readonly [string, string | undefined])[] {
  const {
    AZURE_STORAGE_CONNECTION_STRING: whole = '',
    AZURE_STORAGE_ACCOUNT: account = '',
    AZURE_STORAGE_KEY: key = '',
  } = env;
  if (whole !== '' || account === '') return [['CONNECTION_STRING', whole]];
  if (key === '')
    return [
      ['PROVIDER', 'credential_chain'],
      ['ACCOUNT_NAME', account],
    ];
  const parts = `DefaultEndpointsProtocol=https;AccountName=${account};AccountKey=${key};EndpointSuffix=core.windows.net`;
  return [['CONNECTION_STRING', parts]];
}

function named(
  type: string,
  values: readonly (readonly [string, string | undefined])[],
): readonly (readonly [string, string])[] | undefined {
  const given = values.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value] as const],
  );
  return given.length === 0 ? undefined : [['TYPE', type], ...given];
}

/** A store of one's own seldom has names for its buckets in the DNS. */
function endpoint(url: string | undefined): readonly (readonly [string, string])[] {
  const parsed = /^(https?):\/\/([^/]+)\/?$/i.exec(url ?? '');
  if (parsed === null) return [];
  return [
    ['ENDPOINT', parsed[2] ?? ''],
    ['USE_SSL', String(parsed[1]?.toLowerCase() === 'https')],
    ['URL_STYLE', 'path'],
  ];
}
