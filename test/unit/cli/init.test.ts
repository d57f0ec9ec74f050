import type { CommandIo } from '../../../src/cli/command';
import { parseCommandLine } from '../../../src/cli/command-line';
import { runCommand } from '../../../src/cli/run-command';
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';

const PASSWORD = 'typed;only}once';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgsluice-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Person {
  /** Answers in order, each with its Enter. */
  readonly answers?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

async function init(argv: readonly string[], { answers, env = {} }: Person = {}) {
  const stdin: PassThrough & { isTTY?: boolean } = new PassThrough();
  const stdout: PassThrough & { isTTY?: boolean } = new PassThrough();
  const stderr = new PassThrough();
  let said = '';
  const waiting = [...(answers ?? [])];
  if (answers !== undefined) stdin.isTTY = stdout.isTTY = true;
  stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    // A person answers when asked.
    if (/: $/.test(said) && waiting.length > 0) {
      const answer = waiting.shift() ?? '';
      setImmediate(() => stdin.write(answer));
    }
  });
  let complained = '';
  stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()));
  const line = parseCommandLine(['init', '--no-test', ...argv], '1.2.3');
  if (line.kind !== 'command') throw new Error('No command was given.');
  const io = { cwd: folder, env, stdin, stdout, stderr } as unknown as CommandIo;
  const source = new EventEmitter() as unknown as NodeJS.Process;
  const code = await runCommand(line, io, { source, forceExit: () => undefined });
  return { code, said, complained };
}

const path = (): string => join(folder, 'configuration.json');
const written = (): unknown => JSON.parse(readFileSync(path(), 'utf8'));

describe('init', () => {
  it('asks for what it needs and writes a file that only its owner can read', async () => {
    const answers = ['db.example.com\n', '\n', 'shop\n', 'reader\n', `${PASSWORD}\n`, 'verify-full\n'];
    const { code, said } = await init([], { answers });
    expect(code).toBe(0);
    expect(written()).toEqual({
      host: 'db.example.com',
      port: '5432',
      database: 'shop',
      username: 'reader',
      password: PASSWORD,
      sslmode: 'verify-full',
    });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(said).toContain('pgsluice check');
    expect(said).not.toContain(PASSWORD);
  });

  it('asks again after an answer that cannot be', async () => {
    const answers = ['db\n', 'five\n', '5433\n', 'shop\n', 'reader\n', 'x\n', '\n'];
    const { said } = await init([], { answers });
    expect(said).toContain('must be a whole number');
    expect(written()).toMatchObject({ port: '5433', sslmode: 'prefer' });
  });

  const FLAGS = ['--host', 'db', '--port', '5432', '--database', 'shop', '--username', 'reader'];

  it('asks nothing where flags and environment say all', async () => {
    const { code } = await init([...FLAGS, '--table-filters', 'public.*'], { env: { PGPASSWORD: PASSWORD } });
    expect(code).toBe(0);
    expect(written()).toMatchObject({ password: PASSWORD, table_filters: 'public.*' });
  });

  it('says what is missing where nobody can be asked, and writes nothing', async () => {
    const { code, complained } = await init(['--host', 'db', '--port', '5432']);
    expect(code).toBe(2);
    expect(complained).toMatch(/these must be given: --database, --username, PGPASSWORD\./);
    expect(existsSync(path())).toBe(false);
  });

  it('replaces a file only when it is told to, and then closes it to others', async () => {
    writeFileSync(path(), '{"host": "old"}', { mode: 0o644 });
    const refused = await init(FLAGS, { env: { PGPASSWORD: 'x' } });
    expect([refused.code, refused.complained]).toEqual([2, expect.stringMatching(/exists already; .* --yes/)]);
    expect(written()).toEqual({ host: 'old' });
    expect((await init([...FLAGS, '--yes'], { env: { PGPASSWORD: 'x' } })).code).toBe(0);
    expect(written()).toMatchObject({ host: 'db' });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it('changes a file on a terminal if told so: what is not typed stays as it is', async () => {
    const old = { host: 'old', port: '5433', database: 'shop', username: 'reader', password: 'p1', region: 'Europe' };
    writeFileSync(path(), JSON.stringify(old));
    const declined = await init([], { answers: ['\n'] });
    expect([declined.code, declined.said]).toEqual([0, expect.stringContaining('Nothing was changed.')]);
    const { code, said } = await init([], { answers: ['yes\n', '\n', '\n', '\n', '\n', `${PASSWORD}\n`, '\n'] });
    expect(code).toBe(0);
    expect(said).toContain('Host [old]');
    expect(said).not.toContain(PASSWORD);
    expect(said).not.toContain('p1');
    expect(written()).toEqual({ ...old, password: PASSWORD, sslmode: 'prefer' });
    await init([], { answers: ['y\n', 'new\n', '\n', '\n', '\n', '\n', '\n'] });
    expect(written()).toMatchObject({ host: 'new', password: PASSWORD, region: 'Europe' });
  });

  it('writes nothing when it is broken off', async () => {
    const { code, complained } = await init([], { answers: ['db\n', '\u0003'] });
    expect(code).toBe(130);
    expect(complained).toContain('Nothing was written.');
    expect(existsSync(path())).toBe(false);
  });

  it('writes a data source without the password, if asked', async () => {
    const { said } = await init([...FLAGS, '--odbc-ini', 'odbc.ini'], { env: { PGPASSWORD: PASSWORD } });
    const ini = readFileSync(join(folder, 'odbc.ini'), 'utf8');
    expect(ini).toMatch(
      /^\[shop\]\n.*\nDriver = .*\nServername = db\nPort = 5432\nDatabase = shop\nUsername = reader\n$/,
    );
    expect(ini).not.toContain(PASSWORD);
    expect(said).toContain('isql -v shop');
  });
});
