/** What SECURITY.md promises about secrets and file modes. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, startHeldSync, writeConfiguration, type CliResult } from '../../helpers/cli';
import { createDemoDatabase } from '../../helpers/demo-database';
import type { TestDatabase } from '../../helpers/postgres';

// Characters that mean something in a connection string, a URL, JSON, SQL, HTML and a shell.
const PASSWORD = 'Tr;0ub}4{dor&3"\'%41<b>\\@:/#';
const FORMS = [
  PASSWORD,
  PASSWORD.replaceAll('}', '}}'),
  JSON.stringify(PASSWORD).slice(1, -1),
  encodeURIComponent(PASSWORD),
  PASSWORD.replaceAll("'", "''"),
  PASSWORD.replace(/['\\]/g, '\\$&'),
  // Its beginning would be enough of a hint.
  'Tr;0ub',
];

let database: TestDatabase;
let configuration: string;
let role: string;
let umask: string;
const said: string[] = [];

beforeAll(async () => {
  database = await createDemoDatabase(20_000);
  umask = join(database.folder, 'umask.cjs');
  writeFileSync(umask, 'process.umask(0o077);');
  role = `role_of_secrets_${database.name}`;
  const { client } = database;
  await client.query(`CREATE ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(PASSWORD)}`);
  await client.query(`GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  // A message of the server that quotes the password, as a careless trigger or view may.
  await client.query(`
    CREATE FUNCTION public.leak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'told: %', ${client.escapeLiteral(PASSWORD)}; END $$;
    CREATE VIEW public.leaking AS SELECT public.leak() AS id; GRANT SELECT ON public.leaking TO ${role}`);
  configuration = writeConfiguration(database, {
    username: role,
    password: PASSWORD,
    max_retries: '1',
    include_views: 'true',
  });
});

afterAll(async () => {
  await database.client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

async function run(...argv: string[]): Promise<CliResult> {
  // What it creates gets the modes that a careful operator asks for.
  const result = await runCli([...argv, '--configuration', configuration], { nodeArguments: ['--require', umask] });
  said.push(result.stdout, result.stderr);
  return result;
}

/** Without quoting the text in which it was found. */
function leaks(text: string): string[] {
  return FORMS.filter((form) => text.includes(form)).map((form) => `form ${FORMS.indexOf(form)}`);
}

it('is in nothing that any command says, even where the server repeats it', async () => {
  const report = join(database.folder, 'report.html');
  expect((await run('sync', '--debug', '--report', report)).code).toBe(4);
  expect(said.join('')).toContain('told: ***');
  for (const argv of [
    ['check'],
    ['check', '--json'],
    ['plan'],
    ['plan', '--json'],
    ['status'],
    ['status', '--json'],
    ['monitor', '--once'],
  ])
    await run(...argv);
  for (const format of ['text', 'json']) {
    const refused = await run('sync', '--username', 'nobody_of_that_name', '--debug', '--log-format', format);
    expect(refused.code).toBe(3);
  }
  expect(leaks(said.join('\n'))).toEqual([]);
});

it('is in no file that a sync leaves', () => {
  const files = readdirSync(database.folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name !== 'configuration.json',
  );
  expect(files).toEqual(expect.arrayContaining(['report.html', 'state.json', 'warehouse.db']));
  for (const name of files)
    expect([name, ...leaks(readFileSync(join(database.folder, name), 'latin1'))]).toEqual([name]);
});

it('is in neither metrics nor page, process list nor a log of the driver', async () => {
  const argv = ['--configuration', configuration, '--metrics-port', '0'];
  const running = await startHeldSync(database, argv, { nodeArguments: ['--require', umask] });
  try {
    const url = /Live page and metrics: (\S+)/.exec(running.output())?.[1] ?? '';
    for (const path of ['', 'data.json', 'metrics']) expect(leaks(await (await fetch(url + path)).text())).toEqual([]);
    expect(leaks(readFileSync(`/proc/${running.pid}/cmdline`, 'latin1'))).toEqual([]);
    // It came from the file, so the environment of the process does not hold it either.
    expect(leaks(readFileSync(`/proc/${running.pid}/environ`, 'latin1'))).toEqual([]);
    const shown = await database.client.query(
      'SELECT query, application_name FROM pg_stat_activity WHERE usename = $1',
      [role],
    );
    expect(shown.rowCount).toBeGreaterThan(0);
    expect(leaks(JSON.stringify(shown.rows))).toEqual([]);
  } finally {
    running.kill('SIGTERM');
    await running.ended;
    await running.release();
  }
  const logs = readdirSync('/tmp').filter((name) => name.startsWith('psqlodbc_') || name.startsWith('mylog_'));
  for (const name of logs) expect(leaks(readFileSync(join('/tmp', name), 'latin1'))).toEqual([]);
});

it('closes every file to others where the umask says so', () => {
  for (const name of ['warehouse.db', 'state.json', 'report.html']) {
    expect([name, statSync(join(database.folder, name)).mode & 0o077]).toEqual([name, 0]);
  }
});

it('is refused as a flag, without being repeated', async () => {
  const { code, stdout, stderr } = await run('sync', '--password', PASSWORD);
  expect(code).toBe(2);
  expect(stderr).toContain('set PGPASSWORD instead');
  expect(leaks(stdout + stderr)).toEqual([]);
});

it('is not quoted from a configuration file that is broken', async () => {
  const broken = join(database.folder, 'broken.json');
  writeFileSync(broken, `{"password": "${PASSWORD}"x`);
  const { code, stderr, stdout } = await runCli(['sync', '--configuration', broken]);
  expect(code).toBe(2);
  expect(leaks(stdout + stderr)).toEqual([]);
});
