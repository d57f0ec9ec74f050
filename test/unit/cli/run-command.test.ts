import type { CommandIo } from '../../../src/cli/command';
import { parseCommandLine } from '../../../src/cli/command-line';
import { runCommand } from '../../../src/cli/run-command';
import { ConnectorError } from '../../../src/common/errors';
import { DuckDbDestination } from '../../../src/destinations/duckdb/destination';
import { stateDocument, writeStateFile } from '../../../src/destinations/state-file';
import type { Logger } from '../../../src/common/logger';
import type { SyncReport } from '../../../src/model/report';
import { emptyReport } from '../observe/sample-report';
import { DuckDBInstance } from '@duckdb/node-api';
import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

type Context = { readonly logger: Logger; readonly signal: AbortSignal };
let runSync: (settings: unknown, context: Context) => Promise<SyncReport>;
// The core is replaced: what is tested is what a user sees of its results.
jest.mock(
  '../../../src/app/sync-run',
  () => ({
    runSync: (settings: unknown, context: Context) => runSync(settings, context),
  }),
  { virtual: true },
);

const PASSWORD = 's3cret!';
const CONFIGURATION = { host: 'db', port: '5432', database: 'shop', username: 'me', password: PASSWORD };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pgsluice-run-'));
  writeFileSync(join(directory, 'configuration.json'), JSON.stringify(CONFIGURATION));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Sink extends PassThrough {
  text = '';
  isTTY?: boolean;
  columns?: number;
  override write(chunk: unknown): boolean {
    this.text += String(chunk);
    return true;
  }
}

async function run(argv: readonly string[], options: { answer?: string; source?: EventEmitter } = {}): Promise<Result> {
  const stdin: CommandIo['stdin'] & { isTTY?: boolean } = new PassThrough();
  const stdout = new Sink();
  const stderr = new Sink();
  if (options.answer !== undefined) {
    stdin.isTTY = true;
    stdout.isTTY = true;
    (stdin as unknown as PassThrough).write(options.answer);
  }
  const line = parseCommandLine(argv, '1.2.3');
  if (line.kind !== 'command') throw new Error('No command was given.');
  const io: CommandIo = { cwd: directory, env: {}, stdin, stdout, stderr };
  const source = (options.source ?? new EventEmitter()) as unknown as NodeJS.Process;
  const code = await runCommand(line, io, { source, forceExit: () => undefined });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

describe('sync', () => {
  it('ends with the table of calls and the verdict', async () => {
    runSync = () => Promise.resolve(emptyReport);
    const { code, stdout, stderr } = await run(['sync']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.slice(stdout.indexOf('\n') + 1)).toBe(
      [
        '',
        'Operation     | Calls',
        '--------------+------',
        'Upserts       | 12',
        'Updates       | 0',
        'Deletes       | 3',
        'Truncates     | 1',
        'SchemaChanges | 2',
        'Checkpoints   | 4',
        '',
        'Sync SUCCEEDED',
        '',
      ].join('\n'),
    );
  });

  it('names the tables that failed, and why, and exits with 4', async () => {
    const error = new ConnectorError('No right to read public.secrets.', {
      code: 'permission',
      kind: 'source',
      hint: 'Grant SELECT on it.',
    });
    const table = { key: 'public.secrets', destinationTable: 'source_public_secrets', rows: 0, seconds: 1, error };
    runSync = () => Promise.resolve({ ...emptyReport, tables: [table] });
    const { code, stdout } = await run(['debug']);
    expect(code).toBe(4);
    expect(stdout).toMatch(
      /\nSync FAILED\npublic\.secrets: No right to read public\.secrets\. Grant SELECT on it\.\n$/,
    );
  });

  it('says in one line what ended it, without stack trace or password', async () => {
    runSync = (_settings, { logger }) => {
      logger.info(`connecting with ${PASSWORD}`);
      const text = `Cannot log in to db with PWD={${PASSWORD}};.`;
      return Promise.reject(new ConnectorError(text, { code: 'login', kind: 'connection' }));
    };
    const { code, stdout, stderr } = await run(['sync']);
    expect(code).toBe(3);
    expect(stderr).toBe('pgsluice: Cannot log in to db with PWD=***;.\n');
    expect(stdout).toMatch(/ INFO connecting with \*\*\*\n\nSync FAILED\n$/);
  });

  it('shows the stack trace to who asks for it, still without the password', async () => {
    runSync = () => Promise.reject(new Error(`oops ${PASSWORD}`));
    const quiet = await run(['sync']);
    expect(quiet.code).toBe(1);
    expect(quiet.stderr).toBe('pgsluice: oops ***\npgsluice: This was not expected; --debug shows more.\n');
    const loud = await run(['sync', '--debug']);
    expect(loud.stderr).toContain('run-command.test');
    expect(loud.stderr).not.toContain(PASSWORD);
  });

  it('writes nothing but JSON lines when it should', async () => {
    runSync = () => Promise.reject(new ConnectorError('The disk is full.', { code: 'disk', kind: 'destination' }));
    const { code, stdout, stderr } = await run(['sync', '--log-format', 'json', '--debug']);
    expect([code, stderr]).toEqual([5, '']);
    const entries = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; message: string });
    expect(entries).toContainEqual({
      timestamp: expect.any(String) as string,
      level: 'SEVERE',
      message: 'The disk is full.',
      'message-origin': 'sdk_connector',
    });
    expect(entries.map((entry) => entry.message)).toContain('Sync FAILED');
  });

  it('gives 130 after an interrupt, and says that progress is kept', async () => {
    const source = new EventEmitter();
    runSync = (_settings, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        source.emit('SIGINT', 'SIGINT');
      });
    const { code, stdout, stderr } = await run(['sync'], { source });
    expect(code).toBe(130);
    expect(stdout).toContain('progress is kept');
    expect(stderr).toContain('the next sync goes on from the last checkpoint');
  });

  it('does not start with a bad configuration: one line a problem, exit 2', async () => {
    runSync = () => Promise.reject(new Error('started'));
    writeFileSync(join(directory, 'configuration.json'), JSON.stringify({ ...CONFIGURATION, port: 'x', host: '' }));
    const { code, stderr, stdout } = await run(['sync', '--max-retries', '-1']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^pgsluice: port .* must be a whole number/),
      expect.stringMatching(/^pgsluice: max_retries \(--max-retries\) must be/),
      expect.stringMatching(/^pgsluice: host is missing;/),
    ]);
  });

  it('says first which files it uses, those beside the configuration file and not in the working directory', async () => {
    runSync = () => Promise.resolve(emptyReport);
    const etc = join(directory, 'etc');
    mkdirSync(etc);
    writeFileSync(
      join(etc, 'shop.json'),
      JSON.stringify({ ...CONFIGURATION, state_path: 'state/shop.json', regoin: '' }),
    );
    const { stdout } = await run(['debug', '--configuration', 'etc/shop.json']);
    expect(stdout.split('\n')[0]).toMatch(
      new RegExp(
        ` INFO Configuration ${etc}/shop.json, warehouse ${etc}/files/warehouse.db, state ${etc}/state/shop.json, password from there$`,
      ),
    );
    expect((await run(['sync', '--destination', 'null'])).stdout).toMatch(
      /^\S+ INFO Configuration .*, no warehouse, password from there\n/,
    );
  });

  it('points to init where there is no configuration', async () => {
    rmSync(join(directory, 'configuration.json'));
    const { code, stderr } = await run(['sync']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('Or let `pgsluice init` ask for everything.')]);
  });

  it('logs warnings of the configuration', async () => {
    runSync = () => Promise.resolve(emptyReport);
    writeFileSync(join(directory, 'configuration.json'), JSON.stringify({ ...CONFIGURATION, regoin: 'x' }));
    expect((await run(['sync'])).stdout).toMatch(/ WARNING The key "regoin" .* did you mean "region"\?\n/);
  });
});

describe('reset', () => {
  /** A warehouse and its state, as a sync leaves them. */
  async function leaveFiles(warehouse = 'files/warehouse.db', state = 'files/state.json'): Promise<void> {
    const logger = { debug: jest.fn(), info: jest.fn(), warning: jest.fn(), severe: jest.fn() };
    const destination = new DuckDbDestination({
      ...{ path: join(directory, warehouse), memoryBytes: 64e6, comparisonBytes: 128e6, threads: 1 },
      ...{ schema: 'tester', logger },
    });
    await destination.open();
    await destination.close();
    writeStateFile(join(directory, state), stateDocument(new Map(), new Date()));
  }

  it('deletes its own files by name, and their folder when that is empty', async () => {
    await leaveFiles();
    mkdirSync(join(directory, 'files/warehouse.db.tmp'));
    writeFileSync(join(directory, 'files/warehouse.db.tmp/duckdb_temp_storage-0.tmp'), 'x');
    writeFileSync(join(directory, 'files/warehouse.db.999999999.new'), 'x');
    const { code, stdout } = await run(['reset', '--yes']);
    const names = [
      ...['warehouse.db', 'warehouse.db.999999999.new', 'warehouse.db.tmp/duckdb_temp_storage-0.tmp'],
      ...['warehouse.db.tmp', 'state.json'],
    ];
    const lines = [...names.map((name) => join('files', name)), 'files'].map(
      (name) => `Deleted ${directory}/${name}\n`,
    );
    expect([code, stdout]).toEqual([0, lines.join('')]);
    expect(readdirSync(directory)).toEqual(['configuration.json']);
  });

  it('keeps what it does not know, wherever that lies, and says so', async () => {
    await leaveFiles();
    for (const name of ['files/thesis.tex', 'files/warehouse.db.old', `files/warehouse.db.${process.pid}.new`])
      writeFileSync(join(directory, name), 'x');
    mkdirSync(join(directory, 'files/warehouse.db.tmp'));
    writeFileSync(join(directory, 'files/warehouse.db.tmp/mine'), 'x');
    writeFileSync(join(directory, 'files/state.json'), '{"mine": true}');
    const { code, stdout } = await run(['reset', '--yes']);
    expect([code, stdout]).toEqual([
      0,
      `Deleted ${directory}/files/warehouse.db\n` +
        `Kept ${directory}/files, which holds something else: state.json, thesis.tex, warehouse.db.${process.pid}.new, warehouse.db.old, warehouse.db.tmp\n` +
        `Kept ${directory}/files/warehouse.db.tmp, which holds files of somebody else.\n` +
        `Kept ${directory}/files/state.json, which is no state of pgsluice.\n`,
    ]);
  });

  it('keeps the copies that others may read, and says so', async () => {
    await leaveFiles();
    mkdirSync(join(directory, 'out'));
    const names = ['warehouse-20261130T101500123Z.db', 'warehouse-20261130T111500123Z.db'];
    for (const name of [...names, 'mine.db']) writeFileSync(join(directory, 'out', name), 'x');
    const { code, stdout } = await run(['reset', '--yes', '--publish-path', 'out']);
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(`Kept the copies in ${directory}/out: ${names.toReversed().join(', ')}\n`),
    ]);
    expect(readdirSync(join(directory, 'out'))).toHaveLength(3);
  });

  it.each([
    ['no database', 'is not a DuckDB database', () => Promise.resolve(writeFileSync(join(directory, 'w.db'), 'x'))],
    ['a folder', 'is a folder', () => Promise.resolve(mkdirSync(join(directory, 'w.db')))],
    [
      "somebody else's database",
      'no warehouse of pgsluice; nothing was deleted',
      async () => {
        const instance = await DuckDBInstance.create(join(directory, 'w.db'));
        await (await instance.connect()).run('CREATE TABLE mine AS SELECT 1 AS x; CHECKPOINT');
        instance.closeSync();
      },
    ],
  ])('leaves %s alone', async (_, reason, make) => {
    await make();
    writeFileSync(join(directory, 's.json'), '{"version": 1, "last_updated_at": "", "tables": {}}');
    const { code, stderr } = await run(['reset', '--yes', '--warehouse', 'w.db', '--state', 's.json']);
    expect([code, stderr]).toEqual([5, expect.stringContaining(reason)]);
    expect(readdirSync(directory).sort()).toEqual(['configuration.json', 's.json', 'w.db']);
  });

  it("deletes only a sync's own files elsewhere", async () => {
    await leaveFiles('w.db', 's.json');
    writeFileSync(join(directory, 'mine'), 'x');
    expect((await run(['reset', '--force', '--warehouse', 'w.db', '--state', 's.json'])).code).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(['configuration.json', 'mine']);
  });

  it('has nothing to delete before the first sync, which is fine', async () => {
    const { code, stdout } = await run(['reset']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^There is nothing to delete/);
  });

  it('needs no complete configuration, nor any', async () => {
    await leaveFiles();
    rmSync(join(directory, 'configuration.json'));
    expect((await run(['reset', '--yes'])).code).toBe(0);
    expect(existsSync(join(directory, 'files'))).toBe(false);
  });

  it('refuses without --yes where nobody can be asked', async () => {
    await leaveFiles();
    const { code, stderr } = await run(['reset']);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^pgsluice: This would delete .*warehouse\.db, .*state\.json; repeat the command with --yes to do so\.\n$/,
    );
    expect(readdirSync(join(directory, 'files'))).toHaveLength(2);
  });

  it.each([
    ['y\n', false],
    ['Yes\n', false],
    ['n\n', true],
    ['\n', true],
    ['yesterday\n', true],
  ])('asks on a terminal; the answer %j', async (answer, kept) => {
    await leaveFiles();
    const { code, stdout } = await run(['reset'], { answer });
    expect(code).toBe(0);
    expect(stdout).toContain('[y/N]');
    expect(existsSync(join(directory, 'files'))).toBe(kept);
    expect(stdout.includes('Nothing was deleted.')).toBe(kept);
  });
});
