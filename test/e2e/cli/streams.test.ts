/** Outputs that cannot be written: the work goes on, one sentence is said where it can be, and signals are obeyed. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT, runCli, startCli, writeConfiguration } from '../../helpers/cli';
import { compareTable, withWarehouse } from '../../helpers/compare';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';
import { describeWhere, findProgram } from '../../helpers/server-process';

const PYTHON = findProgram('python3');
/** So that a sync does not end by itself. */
const LOCK = 'BEGIN; LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE';
const CANNOT_BE_WRITTEN = /^pgsluice: Standard output cannot be written \(ENOSPC\)/;

let database: TestDatabase;
let configuration: string;
let full: number;

beforeEach(async () => {
  database = await createDemoDatabase(5_000);
  configuration = writeConfiguration(database);
});
afterEach(() => database.drop());

async function expectSynced(): Promise<void> {
  await withWarehouse(database, async (warehouse) => {
    for (const name of ['customers', 'products']) {
      const compared = await compareTable(database.client, warehouse, { schema: 'public', name });
      expect(compared).toMatchObject({ missing: [], unexpected: [] });
    }
  });
}

describeWhere(existsSync('/dev/full') ? undefined : '/dev/full, a disk without room', 'a full disk', () => {
  beforeAll(() => (full = openSync('/dev/full', 'w')));
  afterAll(() => closeSync(full));

  it.each([[['--version']], [['--help']], [['completion', 'bash']]])(
    'as the output of %j is said, and is exit code 1',
    async (argv) => {
      const { code, stderr } = await runCli(argv, { outputs: { stdout: full } });
      expect(stderr).toMatch(CANNOT_BE_WRITTEN);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(code).toBe(1);
    },
  );

  it('as the output of a document is exit code 1, of a list too', async () => {
    for (const argv of [['check', '--json'], ['plan', '--json'], ['plan'], ['monitor']]) {
      const { code, stderr } = await runCli([...argv, '--configuration', configuration], { outputs: { stdout: full } });
      expect([argv, code]).toEqual([argv, 1]);
      expect(stderr).toMatch(CANNOT_BE_WRITTEN);
    }
  });

  it('as the log of a sync stops the log, not the sync', async () => {
    const { code, stderr } = await runCli(['sync', '--configuration', configuration], { outputs: { stdout: full } });
    expect(stderr).toBe('pgsluice: Standard output cannot be written (ENOSPC); the sync goes on without it.\n');
    expect(code).toBe(0);
    await expectSynced();
  });

  it('as both outputs does not stop the sync either, and its exit code stays what it is', async () => {
    const outputs = { stdout: full, stderr: full };
    expect((await runCli(['sync', '--configuration', configuration], { outputs })).code).toBe(0);
    await expectSynced();
    const missing = ['sync', '--configuration', configuration, '--database', 'is_not_there'];
    expect((await runCli(missing, { outputs })).code).toBe(3);
    expect((await runCli(['frobnicate'], { outputs })).code).toBe(2);
  });

  it('as standard error is said on standard output, as a log line where it is JSON', async () => {
    const outputs = { stderr: full };
    const text = await runCli(['sync', '--configuration', configuration, '--database', 'is_not_there'], { outputs });
    expect(text.stdout).toContain('pgsluice: Standard error cannot be written (ENOSPC); what is said there is lost.\n');
    expect(text.code).toBe(3);
    const json = await runCli(['check', '--json', '--log-format', 'json', '--configuration', configuration], {
      outputs,
    });
    expect(() => JSON.parse(json.stdout) as unknown).not.toThrow();
  });

  it('does not keep a signal from being obeyed', async () => {
    await database.client.query(LOCK);
    const running = startCli(['sync', '--configuration', configuration], { outputs: { stdout: full } });
    await running.waitFor(CANNOT_BE_WRITTEN);
    running.kill('SIGTERM');
    expect((await running.ended).code).toBe(143);
    await database.client.query('ROLLBACK');
  });
});

describe('a reader that ends', () => {
  it('leaves the sync to its end, which says so', async () => {
    await database.client.query(LOCK);
    const running = startCli(['sync', '--configuration', configuration]);
    await running.waitFor(/Processing table 1/);
    running.hangUp();
    await database.client.query('ROLLBACK');
    const { code, stderr } = await running.ended;
    expect(stderr).toBe('pgsluice: Nobody reads standard output any more (EPIPE); the sync goes on without it.\n');
    expect(code).toBe(0);
    await expectSynced();
  });

  it('ends what only shows something, without a word', async () => {
    const running = startCli(['monitor', '--interval', '0.1', '--configuration', configuration]);
    await running.waitFor(/Resource Monitor/);
    running.hangUp();
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describeWhere(PYTHON === undefined ? 'python3' : undefined, 'a terminal that goes away', () => {
  /** Resolves with the exit code. */
  async function onLostTerminal(signal: number, ...argv: string[]): Promise<number> {
    const result = join(database.folder, 'result');
    const script = join(PROJECT, 'test/helpers/lost-terminal.py');
    const main = join(PROJECT, 'dist/bin/pgsluice.js');
    const parameters = [script, result, String(signal), process.execPath, main, ...argv];
    const child = spawn(PYTHON ?? '', [...parameters, '--configuration', configuration], { stdio: 'inherit' });
    await new Promise((resolve) => child.once('exit', resolve));
    return Number(readFileSync(result, 'utf8'));
  }

  it('does not stop the sync', async () => {
    expect(await onLostTerminal(0, 'sync')).toBe(0);
    await expectSynced();
  });

  it('leaves a sync that ends at a signal', async () => {
    await database.client.query(LOCK);
    expect(await onLostTerminal(15, 'sync')).toBe(143);
    await database.client.query('ROLLBACK');
  });

  it('ends what only shows something', async () => {
    expect(await onLostTerminal(0, 'monitor')).toBe(1);
  });
});
