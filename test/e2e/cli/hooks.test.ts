/** `on_failure` and `on_success`: who is told of which end of a sync, what of, and what a failing hook changes: nothing. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { MODULES_MAIN, runCli, startCli, writeConfiguration, type CliResult } from '../../helpers/cli';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';
import type { HookMessage } from '../../../src/app/hooks/hook-message';

let database: TestDatabase;
let note: string;

beforeEach(async () => {
  database = await createDatabase();
  await database.client.query(`CREATE TABLE t (id int PRIMARY KEY, word text); INSERT INTO t VALUES (1, 'private')`);
  note = join(database.folder, 'note.json');
});
afterEach(() => database.drop());

/** A command that keeps what it was given, beside a word of ours. */
function keeping(word: string): string {
  const script = `const fs = require('fs');
    fs.writeFileSync(process.argv[1], JSON.stringify({ word: process.argv[2], env: process.env, body: JSON.parse(fs.readFileSync(0, 'utf8')) }))`;
  return JSON.stringify([process.execPath, '-e', script, note, word]);
}

interface Note {
  readonly word: string;
  readonly env: Readonly<Record<string, string>>;
  readonly body: HookMessage;
}

function noted(): Note | undefined {
  if (!existsSync(note)) return undefined;
  const found = JSON.parse(readFileSync(note, 'utf8')) as Note;
  rmSync(note);
  return found;
}

function configure(more: Readonly<Record<string, string>> = {}): string {
  return writeConfiguration(database, { on_failure: keeping('failure'), on_success: keeping('success'), ...more });
}

const sync = (configuration: string, ...more: string[]): Promise<CliResult> =>
  runCli(['sync', '--configuration', configuration, '--max-retries', '1', ...more], {
    env: { PGSLUICE_TYPE_MODE: 'exact', HOOK_TOKEN: 'kept' },
  });

describe('a command', () => {
  it('is told of success, with the summary as input and a few variables', async () => {
    const result = await sync(configure());
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(result.stdout).toContain('The hook on_success was called.');
    const { word, env, body } = noted() as Note;
    expect(word).toBe('success');
    expect(body).toMatchObject({ version: 1, result: 'succeeded', exitCode: 0, counts: { synced: 1 }, tables: [] });
    expect(body.text).toMatch(/^pgsluice sync of .* succeeded: 1 table$/);
    expect(env).toMatchObject({ PGSLUICE_RUN_RESULT: 'succeeded', PGSLUICE_RUN_EXIT_CODE: '0', HOOK_TOKEN: 'kept' });
    expect(env['PGSLUICE_RUN_TEXT']).toBe(body.text);
    expect(JSON.stringify({ env, body })).not.toContain(database.password);
  });

  it('is told of tables that failed, without a value of theirs', async () => {
    await database.client.query(`CREATE VIEW broken AS SELECT word::int AS x FROM t`);
    const result = await sync(configure(), '--include-views');
    expect(result.code).toBe(4);
    expect(result.stdout).toContain('private');
    const { word, body } = noted() as Note;
    expect(word).toBe('failure');
    expect(body).toMatchObject({
      result: 'some_tables_failed',
      exitCode: 4,
      tables: [{ table: 'public.broken', error: { message: null } }],
    });
    expect(body.text).toMatch(/failed \(exit code 4\): 1 of 2 tables failed: public\.broken$/);
    expect(JSON.stringify(body)).not.toContain('private');
  });

  it('is told of a server that does not answer, and of a configuration that is wrong', async () => {
    expect((await sync(configure(), '--port', '1', '--max-retries', '0')).code).toBe(3);
    expect(noted()).toMatchObject({ word: 'failure', body: { exitCode: 3, error: { kind: 'connection' } } });
    expect((await sync(configure({ custom_threads: 'x' }))).code).toBe(2);
    expect(noted()).toMatchObject({ word: 'failure', body: { exitCode: 2, error: { kind: 'configuration' } } });
  });

  it('is told of an error that nobody has caught', async () => {
    const crash = join(database.folder, 'crash.js');
    writeFileSync(
      crash,
      `const write = process.stdout.write;
       process.stdout.write = function (text, ...rest) {
         if (String(text).includes('Found 1 table ')) setImmediate(() => { throw new Error('out of the blue'); });
         return write.call(this, text, ...rest);
       };`,
    );
    const result = await runCli(['sync', '--configuration', configure()], {
      main: MODULES_MAIN,
      nodeArguments: ['--require', crash],
    });
    expect(result.code).toBe(1);
    expect(noted()).toMatchObject({
      word: 'failure',
      body: { result: 'failed', exitCode: 1, error: { kind: 'internal' } },
    });
  });

  it('hears nothing of an interrupted sync, nor of one that finds another running', async () => {
    const configuration = configure();
    await sync(configuration);
    noted();
    await database.client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; DELETE FROM t');
    const running = startCli(['sync', '--configuration', configuration]);
    await running.waitFor(/Found 1 table /);
    expect((await sync(configuration)).code).toBe(5);
    expect(noted()).toBeUndefined();
    running.kill('SIGTERM');
    expect((await running.ended).code).toBe(143);
    await database.client.query('ROLLBACK');
    expect(noted()).toBeUndefined();
  });

  it('that fails is said in the log, and changes no exit code', async () => {
    const failing = JSON.stringify([process.execPath, '-e', 'console.error("no mail today"); process.exit(9)']);
    const result = await sync(configure({ on_success: failing }));
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(
      `WARNING The hook on_success failed: the program "node" ended with exit code 9. It said: no mail today The sync's result stays as it is.`,
    );
    const missing = await sync(configure({ on_success: 'no-such-program-here' }));
    expect([missing.code, missing.stdout]).toEqual([0, expect.stringContaining('"no-such-program-here" is not found')]);
  });

  it('leaves one document on standard output with --json', async () => {
    const printing = JSON.stringify([process.execPath, '-e', 'console.log("chatter")']);
    const result = await sync(configure({ on_success: printing }), '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ exitCode: 0 });
    expect(result.stderr).toContain('The hook on_success was called.');
  });

  it('is refused where only a shell would understand it', async () => {
    const result = await sync(configure({ on_failure: 'mail root | cat' }));
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/on_failure \(.*\) must hold no \| outside of quotation marks: no shell is started/);
  });
});

describe('a webhook', () => {
  let server: Server;
  let answers: number[];
  let bodies: { readonly url: string; readonly type: string; readonly text: string }[];

  beforeEach(async () => {
    answers = [];
    bodies = [];
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => (text += String(chunk)));
      request.on('end', () => {
        bodies.push({ url: request.url ?? '', type: request.headers['content-type'] ?? '', text });
        response.writeHead(answers.shift() ?? 204, { location: '/elsewhere' }).end();
      });
    });
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  });
  afterEach(() => new Promise((done) => void server.close(done)));

  const address = (): string =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0ken-of-ours?key=s3cr3t-key`;

  it('gets the message as JSON, again where the server was busy, and is no secret in the log', async () => {
    answers = [503];
    const configuration = configure({ on_success: address() });
    const result = await sync(configuration, '--log-level', 'debug');
    expect(result.code).toBe(0);
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toMatchObject({ url: '/services/T0ken-of-ours?key=s3cr3t-key', type: 'application/json' });
    expect(JSON.parse(bodies[1]?.text ?? '')).toMatchObject({ version: 1, result: 'succeeded' });
    expect(result.stdout + result.stderr).not.toMatch(/T0ken|s3cr3t/);
  });

  it('that refuses is said in the log by its host alone, and changes no exit code', async () => {
    answers = [404, 302];
    const configuration = configure({ on_success: address() });
    const host = new URL(address()).host;
    const refused = await sync(configuration);
    expect([refused.code, refused.stdout]).toEqual([
      0,
      expect.stringContaining(`WARNING The hook on_success failed: ${host} answered 404, at attempt 1 of 4.`),
    ]);
    const moved = await sync(configuration);
    expect(moved.stdout).toContain('answered 302 and wants to be asked elsewhere, which is not followed');
    expect(refused.stdout + moved.stdout).not.toMatch(/T0ken|s3cr3t/);
    expect(bodies).toHaveLength(2);
  });

  it('that nobody answers costs a few attempts and no exit code', async () => {
    const result = await sync(configure({ on_success: 'http://127.0.0.1:1/T0ken-of-ours' }));
    expect([result.code, result.stdout]).toEqual([
      0,
      expect.stringContaining('The hook on_success failed: 127.0.0.1:1 could not be reached'),
    ]);
    expect(result.stdout).not.toContain('T0ken');
  });
});
