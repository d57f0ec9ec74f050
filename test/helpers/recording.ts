/** What passes between this process and a server, recorded by a process beside it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Recorder {
  readonly host: string;
  readonly port: number;
  /** Everything that has passed so far. */
  fromServer(): Buffer;
  fromClient(): Buffer;
  close(): Promise<void>;
}

/** `folder` is made. */
export async function startRecorder(
  { host, port }: { readonly host: string; readonly port: number },
  folder: string,
): Promise<Recorder> {
  mkdirSync(folder);
  for (const name of ['from-server', 'from-client']) writeFileSync(join(folder, name), '');
  const script = join(__dirname, 'recording-proxy.js');
  const child = spawn(process.execPath, [script, host, String(port), folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    host: '127.0.0.1',
    port: Number(printed.toString()),
    fromServer: () => readFileSync(join(folder, 'from-server')),
    fromClient: () => readFileSync(join(folder, 'from-client')),
    async close() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
