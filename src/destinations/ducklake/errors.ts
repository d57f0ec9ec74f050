/** DuckLake's errors as sentences: what happened to the lake, and what to do. */
import { ConnectorError } from '../../common/errors';
import { destinationError, diskFull, duckdb, isDiskFull, messageOf, writeError } from '../duckdb';
import { shownCatalog } from '../lake-names';
import type { LakePlace } from './catalog';

/** Code of a commit that lost against another process; nothing of it was kept, and it may be tried again. */
export const LAKE_CONFLICT = 'lake_conflict';

const CONFLICT = /Transaction conflict/i;
/** DuckLake tries again ten times by itself, where others were quicker. */
const CROWDED = /Exceeded the maximum retry count/i;
const LOST =
  /Unable to connect to Postgres|connection to server|server closed the connection|terminating connection|Connection refused|no connection to the server|Failed to execute query "(?:BEGIN|COMMIT|ROLLBACK)/i;
const REFUSED_BY_STORE =
  /HTTP (?:code )?(?:401|403)|\b(?:401|403)\b.*(?:Unauthorized|Forbidden)|InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|AuthenticationFailed|Authorization(?:Failure|PermissionMismatch)/i;
/** Azure's chain of credentials has come to its end. */
const NO_CREDENTIALS = /Failed to get token from/;
/** Names that stores give it: QuotaExceeded, XMinioStorageFull, status 507. */
const STORE_FULL = /Quota\w*Exceeded|StorageFull|Insufficient ?Storage/i;
const BUCKET_MISSING = /NoSuchBucket|ContainerNotFound|specified container does not exist/;
const FILE_MISSING =
  /No such file or directory|No files found that match the pattern|HTTP (?:code )?404|NoSuchKey|BlobNotFound|specified blob does not exist/i;
const FILE_DAMAGED =
  /No magic bytes found|too small to be a Parquet file|not enough bytes|Decompression failure|TProtocolException|Failed to read Parquet/i;
/** What is written is missing too, where its bucket is. */
const WRITING = /HTTP (?:PUT|POST)/;
/** The path or URL of a file of rows, or of a file that says which of them are deleted. */
const FILE_OF_TABLE = /"([^"\n]+\.(?:parquet|puffin))"|'([^'\n]+\.(?:parquet|puffin))'|(\S+\.(?:parquet|puffin))/;
const STORE_LOST = /HTTP|CURLE code|Azure\w*FileSystem|Could not (?:establish|resolve)|Connection error/i;

/** `lake`: its catalog, without a password. */
export function lakeWriteError(error: unknown, lake: string): ConnectorError {
  const text = messageOf(error);
  if (isDiskFull(text)) return diskFull(error, `the disk of the lake ${lake}`);
  if (CONFLICT.test(text)) return lakeConflict(lake, error);
  if (CROWDED.test(text)) return tryAgain(`Too many others commit to the lake ${lake} at the same time.`, error);
  if (LOST.test(text))
    return destinationError(`The catalog of the lake ${lake} was lost: ${shortened(text, lake)}.`, 'lake_lost', {
      cause: error,
      hint: 'What was committed is kept; run the sync again when the server can be reached.',
    });
  return fileLost(error, text) ?? storeError(error, text) ?? unwritable(error, text) ?? writeError(error, lake);
}

/**
 * Somebody has deleted a file that the catalog still names, or it is not what was written. Nothing of its table can be
 * read, and nothing else is lost.
 */
function fileLost(error: unknown, text: string): ConnectorError | undefined {
  const isMissing = FILE_MISSING.test(text);
  if (!(isMissing || FILE_DAMAGED.test(text)) || BUCKET_MISSING.test(text) || WRITING.test(text)) return undefined;
  const path = FILE_OF_TABLE.exec(text)
    ?.slice(1)
    .find((each) => each !== undefined);
  if (path === undefined) return undefined;
  const table = tableOf(path);
  const what = `A file of the lake is ${isMissing ? 'gone' : 'damaged'}: ${path}`;
  return new ConnectorError(`${what}${table === undefined ? '' : ` of table ${table}`}.`, {
    code: isMissing ? 'lake_file_lost' : 'lake_file_damaged',
    kind: 'destination',
    ofTable: true,
    cause: error,
    hint: 'Restore it from a backup; without one, `pgsluice forget TABLE --drop` and then `pgsluice sync` load the table anew.',
  });
}

/**
 * The table in the lake whose folder has the file. A load gathers in a table of its own, and its folder keeps that name.
 * undefined: DuckLake has given the folder no name that tells it.
 */
function tableOf(path: string): string | undefined {
  const [schema, folder] = path.split('/').slice(-3, -1);
  const table = folder?.replace(/^_pgsluice_load_(?:[0-9a-f]{12}_(?:\d+_)?)?/, '');
  const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(table ?? '');
  return schema === undefined || table === undefined || isUuid ? undefined : `${schema}.${table}`;
}

export function lakeConflict(lake: string, cause?: unknown): ConnectorError {
  const what = `Another process has changed the same table of the lake ${lake} at the same time.`;
  return tryAgain(what, cause, ' Let one sync at a time fill a table.');
}

function tryAgain(message: string, cause: unknown, more = ''): ConnectorError {
  return new ConnectorError(message, {
    code: LAKE_CONFLICT,
    kind: 'destination',
    retryable: true,
    cause,
    hint: `Nothing of this commit was kept.${more}`,
  });
}

export function lakeMissing(catalog: string, cause?: unknown): ConnectorError {
  return destinationError(`There is no lake at ${shownCatalog(catalog)}.`, 'lake_missing', {
    cause,
    hint: 'Run `pgsluice sync` first, or name another one with "lake_catalog".',
  });
}

export function noDataPath(catalog: string): ConnectorError {
  return destinationError(
    `The lake ${shownCatalog(catalog)} is new, and nothing says where its files should go.`,
    'lake_data_path',
    { hint: 'Name a folder, or a URL such as s3://BUCKET/FOLDER, with "lake_data_path".' },
  );
}

export function lakeOpenError(error: unknown, { catalog, dataPath }: LakePlace): ConnectorError {
  const lake = shownCatalog(catalog);
  const text = messageOf(error);
  const problem = (message: string, code: string, hint: string): ConnectorError =>
    destinationError(message, code, { cause: error, hint });
  if (isDiskFull(text)) return diskFull(error, `the disk of the lake ${lake}`);
  if (/creating a new DuckLake is explicitly disabled/.test(text)) return lakeMissing(catalog, error);
  const holder = /PID (\d+)/.exec(text)?.[1];
  if (/Could not set lock|Conflicting lock|being used by another process|database is locked/i.test(text))
    return problem(
      `The lake ${lake} is open in another process${holder === undefined ? '' : ` (PID ${holder})`}.`,
      'warehouse_locked',
      'A catalog that is a file serves one process at a time. Wait until it ends, or keep the catalog in PostgreSQL.',
    );
  const stored = /does not match existing data path in the catalog "(.*?)"/.exec(text)?.[1];
  if (stored !== undefined)
    return problem(
      `The lake ${lake} has its files in ${stored}, not in ${dataPath ?? 'the place given'}.`,
      'lake_data_path_other',
      'Leave "lake_data_path" out, or name the catalog of the lake that is meant with "lake_catalog".',
    );
  const version = /catalog version is '?(\d[\w.-]*\w)/i.exec(text)?.[1];
  if (version !== undefined || /Unsupported DuckLake version|No DuckLakeVersion/i.test(text))
    return problem(
      `The lake ${lake} is of DuckLake ${version ?? 'in another version'}, which DuckDB ${duckdb().version()}, in use here, does not write.`,
      'lake_version',
      'Use a pgsluice with a newer DuckDB, or name another lake with "lake_catalog"; this one was not touched.',
    );
  if (LOST.test(text))
    return problem(
      `The catalog of the lake ${lake} cannot be reached: ${shortened(text, catalog)}.`,
      'lake_unreachable',
      'Check "lake_catalog" and that its server runs and lets this user in.',
    );
  if (/not a valid DuckDB database file|file is not a database|magic bytes/i.test(text))
    return problem(
      `The file ${lake} is no catalog of a lake.`,
      'not_a_warehouse',
      'Name another one with "lake_catalog".',
    );
  return (
    storeError(error, text) ??
    unwritable(error, text) ??
    problem(
      `The lake ${lake} cannot be opened: ${shortened(text, catalog)}.`,
      'lake_unavailable',
      'Check "lake_catalog".',
    )
  );
}

function storeError(error: unknown, text: string): ConnectorError | undefined {
  if (STORE_FULL.test(text))
    return destinationError('The object store of the lake is full.', 'lake_store_full', {
      cause: error,
      hint: 'Free some space there, or raise its quota, and run the sync again; what was committed is kept.',
    });
  if (NO_CREDENTIALS.test(text))
    return destinationError('This host has no credentials for the object store of the lake.', 'lake_store_refused', {
      cause: error,
      hint: 'Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_KEY beside AZURE_STORAGE_ACCOUNT, or sign in with `az login`.',
    });
  if (REFUSED_BY_STORE.test(text))
    return destinationError('The object store of the lake refuses the credentials.', 'lake_store_refused', {
      cause: error,
      hint: 'Check the variables of the environment (AWS_ACCESS_KEY_ID and others for s3://, GCS_ACCESS_KEY_ID for gs://, AZURE_STORAGE_CONNECTION_STRING for az://), and the rights on the bucket.',
    });
  if (BUCKET_MISSING.test(text))
    return destinationError(`The bucket of the lake does not exist: ${placeIn(text)}.`, 'lake_bucket_missing', {
      cause: error,
      hint: 'Make it, or name another one with "lake_data_path".',
    });
  if (STORE_LOST.test(text))
    return destinationError(`The object store of the lake cannot be used: ${shortened(text, '')}.`, 'lake_store_lost', {
      cause: error,
      hint: 'Check "lake_data_path", the network, and the address of the store where the environment has one.',
    });
  return undefined;
}

/** The URL that an error names. */
function placeIn(text: string): string {
  return /\b(?:s3|gcs|gs|r2|az|azure|abfss):\/\/[^\s'"]+/i.exec(text)?.[0] ?? shortened(text, '');
}

function unwritable(error: unknown, text: string): ConnectorError | undefined {
  const path =
    /(?:Cannot open file|Failed to create directory|Could not create directory) "(.*?)".*(?:Permission denied|Read-only|Not a directory)/is.exec(
      text,
    )?.[1];
  if (path === undefined) return undefined;
  return destinationError(`The lake's files cannot be written: ${path}.`, 'lake_data_path', {
    cause: error,
    hint: 'Check the permissions of that folder, or name another one with "lake_data_path".',
  });
}

/** The line that says what happened, without the connection string, which may hold a password. */
function shortened(text: string, catalog: string): string {
  const last =
    text
      .split(/Unable to connect to Postgres at ".*?": |Failed to attach DuckLake MetaData ".*?" at path \+ ".*?"/s)
      .at(-1) ?? text;
  const line = last.split('\n').find((each) => each.trim() !== '') ?? 'unknown error';
  const plain = line
    .replace(/^(?:\w+ )+Error: /, '')
    .replace(/\.$/, '')
    .trim();
  return catalog === '' ? plain : plain.replaceAll(catalog, shownCatalog(catalog));
}
