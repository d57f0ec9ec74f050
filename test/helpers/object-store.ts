/** Object stores for lakes, of npm: s3rver speaks the protocol of S3 and of Google's store, Azurite that of Azure. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fromNpm } from './fetched-tools';
import { freePort } from './server-process';
import { EXTENSIONS } from './settings';
import { openDuckDB, type WarehouseReader } from './warehouse-access';

type Environment = Readonly<Record<string, string>>;

/** What a client must be told of a store at an address such as `127.0.0.1:4568`. */
interface StoreKind {
  readonly scheme: 's3' | 'gs' | 'az';
  readonly missing: string | undefined;
  readonly extension: 'httpfs' | 'azure';
  env(endpoint: string): Environment;
  /** The same with credentials that the store does not know. */
  wrongEnv(endpoint: string): Environment;
  /** DuckDB's CREATE SECRET. */
  secret(endpoint: string): string;
  /** The server's arguments of node, and variables. */
  command(data: string, port: number): { readonly parameters: readonly string[]; readonly env?: Environment };
  /** Makes the only bucket, `warehouse`. */
  prepare?(endpoint: string): Promise<void>;
}

export interface ObjectStore extends Pick<StoreKind, 'scheme' | 'extension'> {
  readonly endpoint: string;
  readonly env: Environment;
  readonly wrongEnv: Environment;
  readonly secret: string;
  /** Paths of the Parquet files in the only bucket, `warehouse`. */
  files(): Promise<readonly string[]>;
  start(): Promise<void>;
  kill(): Promise<void>;
}

const S3RVER = fromNpm('s3rver', '3.7.1');
const AZURITE = fromNpm('azurite', '3.37.0');

const ofS3rver: StoreKind['command'] = (data, port) => ({
  parameters: [join(__dirname, 's3-server.js'), S3RVER.folder ?? '', data, String(port)],
});
const secretOf = (type: string, endpoint: string): string =>
  `CREATE SECRET (TYPE ${type}, KEY_ID 'S3RVER', SECRET 'S3RVER', ENDPOINT '${endpoint}', USE_SSL false, URL_STYLE 'path')`;

export const S3: StoreKind = {
  scheme: 's3',
  missing: S3RVER.missing,
  extension: 'httpfs',
  env: (endpoint) => ({
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: `http://${endpoint}`,
  }),
  wrongEnv: (endpoint) => ({
    ...S3.env(endpoint),
    AWS_ACCESS_KEY_ID: 'SOMEBODY',
    AWS_SECRET_ACCESS_KEY: 'no-such-s3cret',
  }),
  secret: (endpoint) => secretOf('s3', endpoint),
  command: ofS3rver,
};

/** Google's store takes S3's requests, with keys of its own (HMAC). */
export const GS: StoreKind = {
  scheme: 'gs',
  missing: S3RVER.missing,
  extension: 'httpfs',
  env: (endpoint) => ({
    GCS_ACCESS_KEY_ID: 'S3RVER',
    GCS_SECRET_ACCESS_KEY: 'S3RVER',
    STORAGE_EMULATOR_HOST: endpoint,
  }),
  wrongEnv: (endpoint) => ({
    ...GS.env(endpoint),
    GCS_ACCESS_KEY_ID: 'SOMEBODY',
    GCS_SECRET_ACCESS_KEY: 'no-such-s3cret',
  }),
  secret: (endpoint) => secretOf('gcs', endpoint),
  command: ofS3rver,
};

const ACCOUNT = 'lakes';
const ACCOUNT_KEY = randomBytes(48).toString('base64');
const ofAzure = (endpoint: string, key: string): string =>
  `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${key};BlobEndpoint=http://${endpoint}/${ACCOUNT};`;

export const AZ: StoreKind = {
  scheme: 'az',
  missing:
    AZURITE.missing ??
    (existsSync(join(EXTENSIONS, 'azure.duckdb_extension'))
      ? undefined
      : "DuckDB's extension azure (scripts/setup.sh fetches it)"),
  extension: 'azure',
  env: (endpoint) => ({ AZURE_STORAGE_CONNECTION_STRING: ofAzure(endpoint, ACCOUNT_KEY) }),
  wrongEnv: (endpoint) => ({
    AZURE_STORAGE_CONNECTION_STRING: ofAzure(endpoint, Buffer.from('no-such-s3cret').toString('base64')),
  }),
  secret: (endpoint) => `CREATE SECRET (TYPE azure, CONNECTION_STRING '${ofAzure(endpoint, ACCOUNT_KEY)}')`,
  command: (data, port) => ({
    parameters: [
      join(AZURITE.folder ?? '', 'node_modules/azurite/dist/src/blob/main.js'),
      ...['--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', data],
      ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${ACCOUNT_KEY}` },
  }),
  prepare: makeContainer,
};

export async function startObjectStore(kind: StoreKind, folder: string): Promise<ObjectStore> {
  const port = await freePort();
  const endpoint = `127.0.0.1:${port}`;
  const data = join(folder, `objects-${kind.scheme}`);
  mkdirSync(data);
  let child: ChildProcess | undefined;
  let reader: WarehouseReader | undefined;
  let prepared = false;
  const store: ObjectStore = {
    ...{ scheme: kind.scheme, extension: kind.extension, endpoint },
    ...{ env: kind.env(endpoint), wrongEnv: kind.wrongEnv(endpoint), secret: kind.secret(endpoint) },
    async files() {
      if (reader === undefined) {
        reader = await openDuckDB([kind.extension]);
        await reader.rows(store.secret);
      }
      const found = await reader.rows(`SELECT file FROM glob('${kind.scheme}://warehouse/**/*.parquet')`);
      return found.map(([file]) => String(file));
    },
    async start() {
      const { parameters, env } = kind.command(data, port);
      child = spawn(process.execPath, ['--require', join(__dirname, 'until-stdin-ends.js'), ...parameters], {
        stdio: ['pipe', 'ignore', 'inherit'],
        env: { ...process.env, ...env },
      });
      while (!(await answers(endpoint))) {
        if (child.exitCode !== null) throw new Error(`The ${kind.scheme} server has ended with ${child.exitCode}.`);
        await delay(50);
      }
      if (!prepared) await kind.prepare?.(endpoint);
      prepared = true;
    },
    async kill() {
      reader?.close();
      reader = undefined;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
  await store.start();
  return store;
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(`http://${endpoint}/`)).text();
    return true;
  } catch {
    return false;
  }
}

/** Azure's operation Create Container, signed by the account's key (Authorize with Shared Key, version 2009-09-19 on). */
async function makeContainer(endpoint: string): Promise<void> {
  const headers = { 'x-ms-date': new Date().toUTCString(), 'x-ms-version': '2021-08-06' };
  const signed = [
    `PUT${'\n'.repeat(12)}x-ms-date:${headers['x-ms-date']}`,
    `x-ms-version:${headers['x-ms-version']}`,
    `/${ACCOUNT}/${ACCOUNT}/warehouse`,
    'restype:container',
  ].join('\n');
  const signature = createHmac('sha256', Buffer.from(ACCOUNT_KEY, 'base64')).update(signed).digest('base64');
  const { status } = await fetch(`http://${endpoint}/${ACCOUNT}/warehouse?restype=container`, {
    method: 'PUT',
    headers: { ...headers, authorization: `SharedKey ${ACCOUNT}:${signature}` },
  });
  if (status !== 201) throw new Error(`The container could not be made: ${status}.`);
}
