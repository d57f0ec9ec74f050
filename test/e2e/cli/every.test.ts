/** `sync --every`: one process, no overlap, the configuration as it is at each run, and an end in order. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCli, startCli, writeConfiguration, type RunningCli } from '../../helpers/cli';
import { createDatabase, type TestDatabase } from '../../helpers/postgres';

let database: TestDatabase;
let started: RunningCli | undefined;

beforeEach(async () => {
  database = await createDatabase();
  await database.client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
});
afterEach(async () => {
  started?.kill('SIGKILL');
  await started?.ended;
  started = undefined;
  await database.drop();
});

function every(duration: string, configuration: string, ...more: string[]): RunningCli {
  return (started = startCli(['sync', '--every', duration, '-c', configuration, ...more]));
}

/** The process of the run. */
async function childOf(parent: number): Promise<number> {
  for (;;) {
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ');
    if (child !== undefined && child !== '') return Number(child);
    await delay(10);
  }
}

async function lockedRun(): Promise<{ readonly cli: RunningCli; readonly unlock: () => Promise<unknown> }> {
  await database.client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
  const cli = every('1h', writeConfiguration(database));
  await cli.waitFor(/Found 1 table /);
  return { cli, unlock: () => database.client.query('ROLLBACK') };
}

it('says when it runs and when next, and ends with 0 between two runs', async () => {
  const cli = every('1h', writeConfiguration(database));
  await cli.waitFor(/Run 1 ended/);
  cli.kill('SIGTERM');
  const { code, stdout } = await cli.ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /INFO Run 1 starts; the next one at \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ, or later if this one takes longer/,
  );
  expect(stdout).toContain('Sync SUCCEEDED');
  expect(stdout).toMatch(/INFO Run 1 ended with exit code 0 after .* s; the next one at \d{4}-/);
});

it('reads the configuration anew at each run, and goes on after one that failed', async () => {
  const configuration = writeConfiguration(database, { port: '1', max_retries: '0' });
  const cli = every('1s', configuration, '--json', '--quiet');
  await cli.waitFor(/"exitCode":3/);
  writeConfiguration(database, { table_filters: 'public.t' });
  await cli.waitFor(/"exitCode":0/);
  writeConfiguration(database, { custom_threads: 'many' });
  await cli.waitFor(/"exitCode":2/);
  writeConfiguration(database);
  cli.kill('SIGTERM');
  const { code, stdout, stderr } = await cli.ended;
  // A run that ended just then has its own code.
  expect([0, 2, 143]).toContain(code);
  expect(stderr).not.toContain('Run 1');
  for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ version: 1, command: 'sync' });
});

it('ends a run in order, and itself with the code of an interrupted sync', async () => {
  const { cli, unlock } = await lockedRun();
  cli.kill('SIGTERM');
  const { code, stdout, stderr } = await cli.ended;
  await unlock();
  expect(code).toBe(143);
  expect(stdout.match(/SIGTERM: stopping/g)).toHaveLength(1);
  expect(stdout).toContain('Sync INTERRUPTED');
  expect(stdout).toMatch(/Run 1 ended with exit code 143 after .*; there is no other one/);
  expect(stderr).not.toContain('Stopped at once');
});

it('takes a signal that reaches the run as well for one signal', async () => {
  const { cli, unlock } = await lockedRun();
  const child = await childOf(cli.pid);
  process.kill(child, 'SIGINT');
  cli.kill('SIGINT');
  const { code, stderr } = await cli.ended;
  await unlock();
  expect(code).toBe(130);
  expect(stderr).not.toContain('Stopped at once');
});

it('ends the run where it is killed itself', async () => {
  const { cli, unlock } = await lockedRun();
  cli.kill('SIGKILL');
  await cli.ended;
  expect(cli.output()).toContain('SIGTERM: stopping');
  await unlock();
});

it('tells of a run that was killed, and goes on', async () => {
  const note = join(database.folder, 'note.json');
  const script = `require('fs').writeFileSync(process.argv[1], require('fs').readFileSync(0, 'utf8'))`;
  const configuration = writeConfiguration(database, {
    on_failure: JSON.stringify([process.execPath, '-e', script, note]),
  });
  await database.client.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
  const cli = every('1s', configuration);
  await cli.waitFor(/Found 1 table /);
  process.kill(await childOf(cli.pid), 'SIGKILL');
  await cli.waitFor(/The hook on_failure was called/);
  await database.client.query('ROLLBACK');
  await cli.waitFor(/Run 2 ended with exit code 0/);
  expect(cli.output()).toContain('SEVERE The process of the run was ended by SIGKILL; what was committed is kept.');
  expect(existsSync(note)).toBe(true);
  expect(JSON.parse(readFileSync(note, 'utf8'))).toMatchObject({ result: 'crashed', exitCode: 137 });
});

it('does not begin with a configuration that is wrong, nor with another duration', async () => {
  const wrong = await every('1h', writeConfiguration(database, { custom_threads: 'many' })).ended;
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('custom_threads')]);
  for (const duration of ['15', '0s', '1w', '25d', 'soon']) {
    const { code, stderr } = await runCli(['sync', '--every', duration]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('--every must be a duration such as 30s, 15m, 1h or 1d'),
    ]);
  }
});
