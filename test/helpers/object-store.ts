/** An object store for lakes: s3rver of npm, which serves S3's protocol from a folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromNpm } from './fetched-tools';
import { freePort } from './server-process';

export const S3_SERVER = fromNpm('s3rver', '3.7.1');

export interface ObjectStore {
  /** Variables that a client needs. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
  /** Names of the Parquet files in bucket `warehouse`. */
  files(): readonly string[];
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** Its only bucket is `warehouse`. */
export async function startObjectStore(folder: string): Promise<ObjectStore> {
  const port = await freePort();
  const data = join(folder, 'objects');
  mkdirSync(data);
  let child: ChildProcess | undefined;
  const store: ObjectStore = {
    endpoint: `127.0.0.1:${port}`,
    env: {
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    },
    files: () =>
      readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) =>
        /\.parquet\._S3rver_object$/.test(name),
      ),
    async start() {
      const parameters = [join(__dirname, 's3-server.js'), S3_SERVER.folder ?? '', data, String(port)];
      child = spawn(process.execPath, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
      if (child.stdout !== null) await once(child.stdout, 'data');
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
  if (!existsSync(join(S3_SERVER.folder ?? '', 'node_modules', 's3rver'))) throw new Error('There is no s3rver.');
  await store.start();
  return store;
}
