#!/usr/bin/env node
import { lazy } from './lazy';
import { stuckCalls } from '../common/stuck-calls';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// Readers and the destination share libuv's threads, 4 unless this says more, and a blocked ODBC call keeps its
// thread: without spare ones, two of them would stop the rest. Read once, when the pool starts, so it is set
// before anything else runs. A service has the readers of several Updates: those whose servers do not answer must
// leave threads to the others.
process.env['UV_THREADPOOL_SIZE'] ??= process.argv[2] === 'serve' ? '128' : '16';

// How long a reader of our output may take before the process ends without it.
const FLUSH_MS = 1000;

async function main(argv: readonly string[]): Promise<number> {
  const version = packageVersion();
  // Answered before the parser is loaded, which takes longer than everything else here.
  if (argv.length === 1 && argv[0] === '--version') return say(`${version}\n`);
  const io = {
    cwd: process.cwd(),
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  };
  const { parseCommandLine } = lazy.commandLine();
  let commandLine;
  try {
    commandLine = parseCommandLine(argv, version, process.stdout.columns);
  } catch (error) {
    return sayWhy(error);
  }
  if (commandLine.kind === 'help') return say(`${commandLine.text}\n`);
  return await lazy.runCommand().runCommand(commandLine, io, { source: process, forceExit: exitAtOnce, version });
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}

function exitAtOnce(code: number): never {
  return lazy.processStats().exitNow(code);
}

/** The one way out. process.exit() would wait for a stuck ODBC call for ever. */
async function end(code: number): Promise<never> {
  const flushed = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((resolve) => stream.write('', () => resolve())),
  );
  const timeout = new Promise<void>((resolve) => void setTimeout(resolve, FLUSH_MS));
  await Promise.race([Promise.all(flushed), timeout]);
  if (stuckCalls() > 0) exitAtOnce(code);
  process.exit(code);
}

function sayWhy(error: unknown): number {
  return lazy
    .failure()
    .failureToTerminal(error, process.stderr, { secrets: [], debug: process.argv.includes('--debug') });
}

function fail(error: unknown): void {
  void end(sayWhy(error));
}

for (const stream of [process.stdout, process.stderr]) {
  // `pgsluice sync | head`: who reads has gone, but the sync goes on.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') void end(1);
  });
}
process.on('uncaughtException', fail);
// Nothing is left that could bring a result. Without this the process would end with 0, as if all were well.
process.once('beforeExit', () => fail(new Error('The command came to a halt without a result.')));
main(process.argv.slice(2)).then(end, fail);
