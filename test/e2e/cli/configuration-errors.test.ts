/** Mistakes in what the user wrote: found before anything is started. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli, type CliResult } from '../../helpers/cli';
import { complaints, expectPresentable } from '../../helpers/fault-report';

const PASSWORD = 'pa55;word}"{';
const VALID = { host: 'db.invalid', port: '5432', database: 'shop', username: 'reader', password: PASSWORD };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-e2e-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function syncWith(file: string | Buffer | object | undefined, ...more: string[]): Promise<CliResult> {
  const path = join(folder, 'configuration.json');
  if (file !== undefined)
    writeFileSync(path, typeof file === 'string' || Buffer.isBuffer(file) ? file : JSON.stringify(file));
  const result = await runCli(['sync', '--configuration', path, ...more], { cwd: folder });
  expectPresentable(result, [PASSWORD]);
  return result;
}

/** Nothing may have been started, let alone written. */
function expectNothingWritten(): void {
  expect(existsSync(join(folder, 'files'))).toBe(false);
  expect(readdirSync(folder).filter((name) => name !== 'configuration.json' && !name.startsWith('given'))).toEqual([]);
}

it.each<[what: string, file: string | Buffer | object | undefined, said: RegExp]>([
  ['a missing file', undefined, /configuration\.json does not exist; correct the path/],
  ['an empty file', '', /not valid JSON \(it is empty\)/],
  [
    'invalid JSON',
    '{"host": "h",\n "password": "pa55;word",}',
    /not valid JSON \(see line 2, column \d+\); correct it/,
  ],
  ['a list', '[]', /an array rather than an object/],
  ['a file that is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /is not UTF-8 text; save it as UTF-8/],
  [
    'a number for a text',
    { ...VALID, port: 5432 },
    /^port \(.*\) must be a string, not a number; put its value in double quotes/m,
  ],
  ['null for a text', { ...VALID, host: null }, /^host \(.*\) must be a string, not null/m],
  ['a placeholder', { ...VALID, host: 'YOUR_POSTGRES_HOST' }, /^host .*placeholder/m],
  ['a placeholder in angle brackets', { ...VALID, database: '<YOUR_DATABASE>' }, /^database .*placeholder/m],
  ['a port that is no number', { ...VALID, port: 'five' }, /^port .* whole number from 1 to 65535/m],
  ['a port out of range', { ...VALID, port: '70000' }, /^port .* from 1 to 65535/m],
  ['a negative delay', { ...VALID, retry_sleep_seconds: '-1' }, /^retry_sleep_seconds /m],
  ['a size that is no number', { ...VALID, custom_batch_size: '1e999' }, /^custom_batch_size /m],
  ['an unknown choice', { ...VALID, sslmode: 'yes' }, /^sslmode .*verify-full/m],
  ['a module that does not exist', { ...VALID, transformations: './nowhere.mjs' }, /^transformations .*nowhere\.mjs/m],
])('%s: exit 2 and a sentence', async (_what, file, said) => {
  const result = await syncWith(file);
  expect(result.code).toBe(2);
  expect(complaints(result).join('\n')).toMatch(said);
  expect(complaints(result)).toHaveLength(1);
  expectNothingWritten();
});

it('names every missing key at once, and where it may be written', async () => {
  const result = await syncWith({ host: 'db.invalid' });
  expect(result.code).toBe(2);
  const said = complaints(result);
  expect(said.map((line) => line.split(' ')[0])).toEqual(['port', 'database', 'username', 'password']);
  for (const line of said) expect(line).toMatch(/ is missing; add it to .*configuration\.json, or set .*PGSLUICE_/);
});

it('suggests what an unknown flag or command may have meant', async () => {
  const flag = await runCli(['sync', '--custom-thread', '3']);
  expect(flag.code).toBe(2);
  expect(complaints(flag).join()).toMatch(/did you mean --custom-threads\?/);
  const command = await runCli(['snyc']);
  expect(command.code).toBe(2);
  expect(complaints(command).join()).toMatch(/did you mean sync\?/);
  for (const result of [flag, command]) expectPresentable(result, []);
});

it('refuses a password on the command line, and does not repeat it', async () => {
  const result = await runCli(['sync', `--password=${PASSWORD}`]);
  expect(result.code).toBe(2);
  expect(complaints(result).join()).toMatch(/PGPASSWORD/);
  expectPresentable(result, [PASSWORD]);
});

it('warns of an unknown key, and goes on', async () => {
  const result = await syncWith({ ...VALID, tabel_filters: '*', driver: 'No Such Driver' });
  expect(result.stdout).toMatch(
    /WARNING The key "tabel_filters" of .* is unknown and ignored; did you mean "table_filters"\?/,
  );
  // It went on as far as the next mistake.
  expect(result.code).toBe(3);
});

it.each<[what: string, module: string, said: RegExp]>([
  ['with a syntax error', 'export default {', /given\.mjs named by "transformations" cannot be loaded: /],
  ['that throws', 'throw new Error("not today");', /given\.mjs named by "transformations" cannot be loaded: not today/],
  [
    'with a rule without a name',
    'export default { transformations: [{ matches: () => true }] };',
    /without "name" or "matches"/,
  ],
  ['whose list is none', 'export default { transformations: "all" };', /"transformations"/],
  ['that exports something else', 'export default 42;', /"transformations"/],
])('a module of transformations %s: exit 2 and a sentence', async (_what, module, said) => {
  writeFileSync(join(folder, 'given.mjs'), module);
  const result = await syncWith({ ...VALID, transformations: './given.mjs' });
  expect(complaints(result).join('\n')).toMatch(said);
  expect(result.code).toBe(2);
  expectNothingWritten();
});

describe('the ODBC driver', () => {
  it('that is unknown: exit 3, with the installed ones and how to install one', async () => {
    const result = await syncWith({ ...VALID, driver: 'Oracle 7' });
    expect(result.code).toBe(3);
    expect(complaints(result).join()).toMatch(
      /"Oracle 7" is not installed\. Installed: ".+"\. Install psqlODBC \(Debian: apt-get/,
    );
  });

  it('that is not there at all: exit 3 and how to install one', async () => {
    mkdirSync(join(folder, 'given-odbc'));
    writeFileSync(join(folder, 'configuration.json'), JSON.stringify(VALID));
    const result = await runCli(['sync'], {
      cwd: folder,
      env: { ODBCSYSINI: join(folder, 'given-odbc'), ODBCINSTINI: undefined },
    });
    expectPresentable(result, [PASSWORD]);
    expect(result.code).toBe(3);
    expect(complaints(result).join()).toMatch(/^No ODBC driver is installed\. Install psqlODBC \(Debian: apt-get/);
  });

  it('whose library is missing: exit 3 and a sentence', async () => {
    mkdirSync(join(folder, 'given-odbc'));
    writeFileSync(join(folder, 'given-odbc/odbcinst.ini'), '[PostgreSQL Unicode]\nDriver = /nowhere/psqlodbcw.so\n');
    writeFileSync(join(folder, 'configuration.json'), JSON.stringify({ ...VALID, host: '127.0.0.1' }));
    const result = await runCli(['sync'], {
      cwd: folder,
      env: { ODBCSYSINI: join(folder, 'given-odbc'), ODBCINSTINI: undefined },
    });
    expectPresentable(result, [PASSWORD]);
    expect(result.code).toBe(3);
    expect(complaints(result).join()).toMatch(/reinstall psqlODBC/);
  });
});

it('shows the stack trace, without the password, where it is asked for', async () => {
  writeFileSync(join(folder, 'configuration.json'), JSON.stringify({ ...VALID, driver: 'Oracle 7' }));
  const result = await runCli(['sync', '--debug'], { cwd: folder });
  expect(result.stderr).toMatch(/\n\s+at /);
  expect(result.stdout + result.stderr).not.toContain(PASSWORD);
});
